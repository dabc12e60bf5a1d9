package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"duogateway/daemon/client"
	"duogateway/job"
	"duogateway/station"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers on a socket as a daemon might, and gives a client for it.
func serve(t *testing.T, answer http.HandlerFunc) *client.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: answer}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with the test
	}()
	c := client.New(socket)
	t.Cleanup(func() {
		c.Close()
		_ = server.Close()
		<-done
	})
	return c
}

// Each call is the request that it should be.
func TestRequests(t *testing.T) {
	var got string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body)
		_, _ = io.WriteString(w, "null")
	})
	ctx := t.Context()
	for want, call := range map[string]func() error{
		`POST /v1/jobs {"id":"j1","kind":"repair","bay":"bay-1","source":""}`: func() error {
			_, err := c.Submit(ctx, job.Request{ID: "j1", Kind: job.Repair, Bay: "bay-1"})
			return err
		},
		"GET /v1/jobs/j1 ":                 func() error { _, err := c.Job(ctx, "j1"); return err },
		"GET /v1/jobs/a%2Fb%3Fc%25 ":       func() error { _, err := c.Job(ctx, "a/b?c%"); return err },
		"GET /v1/jobs?limit=7 ":            func() error { _, err := c.Jobs(ctx, 7); return err },
		"POST /v1/jobs/j1/cancel ":         func() error { _, err := c.Cancel(ctx, "j1"); return err },
		"GET /v1/bays ":                    func() error { _, err := c.Bays(ctx); return err },
		"GET /v1/keys ":                    func() error { _, err := c.Keys(ctx); return err },
		"GET /v1/events?after=3&limit=10 ": func() error { _, err := c.Events(ctx, 3, 10); return err },
		"GET /v1/health ":                  func() error { _, err := c.Health(ctx); return err },
	} {
		if err := call(); err != nil || got != want {
			t.Errorf("asked %q, want %q: %v", got, want, err)
		}
	}
}

// What the daemon reports comes back as the error that it was.
func TestReports(t *testing.T) {
	for _, fault := range job.Faults() {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, `{"code":%q,"class":"x","retryable":true,"hint":"y","message":"it is 100%% so"}`, fault.Code)
		})
		_, err := c.Job(t.Context(), "j1")
		if !job.HasCode(err, fault.Code) || err.Error() != "it is 100% so" {
			t.Errorf("%s comes back as %v", fault.Code, err)
		}
		if errors.Is(err, client.ErrUnreachable) {
			t.Errorf("%s: there was an answer", fault.Code)
		}
	}
}

func TestStrangeAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"no report":       {404, "404 page not found\n", "the daemon answers 404 Not Found"},
		"an empty report": {500, "{}", "the daemon answers 500 Internal Server Error"},
		"no body":         {503, "", "the daemon answers 503 Service Unavailable"},
		"no JSON":         {200, "hello", "reading the answer of the daemon to GET /v1/bays: "},
		"another type":    {200, `{"name":"bay-1"}`, "reading the answer of the daemon to GET /v1/bays: "},
		"cut off":         {200, `[{"name":`, "reading the answer of the daemon to GET /v1/bays: "},
	} {
		t.Run(name, func(t *testing.T) {
			daemon := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := daemon.Bays(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("it says %v, want %q", err, c.want)
			}
			if errors.Is(err, client.ErrUnreachable) {
				t.Error("there was an answer")
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none")
	c := client.New(socket)
	defer c.Close()
	_, err := c.Bays(t.Context())
	if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), socket) {
		t.Errorf("nobody there: %v", err)
	}
	hung := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if _, err := hung.Bays(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("it hangs up: %v", err)
	}
}

// Who is told to stop is not told that the daemon is gone.
func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/watch") {
			_, _ = io.WriteString(w, `{"job":{"id":"j1","state":"running"}}`+"\n")
			_ = http.NewResponseController(w).Flush()
		}
		cancel()
		<-r.Context().Done()
	})
	_, err := c.Watch(ctx, "j1", nil)
	if !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("watching: %v", err)
	}
	if _, err = c.Bays(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnreachable) {
		t.Errorf("asking: %v", err)
	}
}

func TestWatch(t *testing.T) {
	const queued, progress, over = `{"job":{"id":"j1","state":"queued"}}`, `{"progress":{"job":"j1","step":"enter-dfu","text":"x","done":1,"total":2}}`, `{"job":{"id":"j1","state":"succeeded","verdict":"pass"}}`
	for name, c := range map[string]struct {
		body    string
		updates int
		want    error // nil: it ends well
	}{
		"to the end":       {queued + "\n" + progress + "\n" + over + "\n", 3, nil},
		"over already":     {over + "\n", 1, nil},
		"not at all":       {"", 0, client.ErrUnreachable},
		"not to the end":   {queued + "\n" + progress + "\n", 2, client.ErrUnreachable},
		"cut in a line":    {queued + "\n" + over[:20], 1, client.ErrUnreachable},
		"behind the end":   {over + "\n" + queued + "\n", 1, nil},
		"an empty update":  {"{}\n" + over + "\n", 1, nil},
		"an unknown field": {`{"weather":"fine"}` + "\n" + over + "\n", 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			daemon := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.body) })
			count := 0
			j, err := daemon.Watch(t.Context(), "j1", func(u station.Update) {
				if u.Job == nil && u.Progress == nil {
					t.Error("told of nothing")
				}
				count++
			})
			if !errors.Is(err, c.want) || count != c.updates {
				t.Errorf("%v after %d updates, want %v after %d", err, count, c.want, c.updates)
			}
			if err == nil && j.Verdict != job.Pass {
				t.Errorf("it ends with %+v", j)
			}
			if _, err := daemon.Watch(t.Context(), "j1", nil); !errors.Is(err, c.want) {
				t.Errorf("with nobody to tell: %v", err)
			}
		})
	}
}

func TestWatchUnknownJob(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"code":"unknown-job","message":"job \"x\": there is none"}`)
	})
	if _, err := c.Watch(t.Context(), "x", nil); !job.HasCode(err, job.UnknownJob) {
		t.Errorf("error %v", err)
	}
}
