package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
)

// running is a daemon on fakes that answers on its socket.
type running struct {
	*bench
	cfg  daemon.Config
	http *http.Client
	stop func() (took time.Duration)
}

// start runs a daemon and waits until it is ready.
func start(t *testing.T) *running {
	t.Helper()
	return startWith(t, func(*daemon.Config) {})
}

// startWith runs one of another configuration.
func startWith(t *testing.T, adapt func(*daemon.Config)) *running {
	t.Helper()
	r := &running{cfg: twoBays(t), bench: &bench{bus: &fakeBus{}, gestures: &fakeGestures{}, button: make(fakeButton), log: &logBuffer{}}}
	adapt(&r.cfg)
	ready := make(chan struct{})
	parts := r.parts()
	parts.Ready = func() { close(ready) }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- daemon.Run(ctx, r.cfg, parts) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", r.cfg.Socket)
	}}
	r.http = &http.Client{Transport: transport}
	stopped := false
	r.stop = func() time.Duration {
		if stopped {
			return 0
		}
		stopped = true
		began := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return time.Since(began)
	}
	t.Cleanup(func() {
		r.stop()
		transport.CloseIdleConnections()
	})
	return r
}

func (r *running) get(t *testing.T, path string) *http.Response {
	t.Helper()
	response, err := r.http.Get("http://gatewayd" + path)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// soon is when a daemon that does not stop is taken to hang. What holds it up
// holds it up for ever, or for as long as its client likes.
const soon = 30 * time.Second

// Neither a client that watches, nor one that only keeps its connection, nor
// one that says nothing, keeps the daemon from stopping.
func TestRunStops(t *testing.T) {
	r := start(t)
	// The gestures fail at once, but the board in bay-1 rests for a minute: the
	// job runs on.
	posted, err := r.http.Post("http://gatewayd/v1/jobs", "application/json", strings.NewReader(`{"id":"j1","kind":"repair","bay":"bay-1"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = posted.Body.Close()
	watch := r.get(t, "/v1/jobs/j1/watch")
	defer watch.Body.Close()
	lines := json.NewDecoder(watch.Body)
	var u station.Update
	if err := lines.Decode(&u); err != nil {
		t.Fatal(err)
	}
	_ = r.get(t, "/v1/health").Body.Close() // its connection is kept

	if took := r.stop(); took > soon {
		t.Errorf("it took %v to stop", took)
	}
	for err == nil {
		err = lines.Decode(&u)
	}
	if u.Job != nil && u.Job.State.Final() {
		t.Errorf("the job was ended by the stop: %+v", u.Job)
	}
	if _, err := os.Lstat(r.cfg.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
	store, err := keystore.Open(r.cfg.Store, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j, _, _, err := store.Job("j1")
	if err := errors.Join(err, store.Close()); err != nil || j.State.Final() {
		t.Errorf("the job is %s, want it left for the next start: %v", j.State, err)
	}
}

// A connection on which nothing was asked is not waited for long.
func TestRunStopsWithASilentClient(t *testing.T) {
	r := start(t)
	conn, err := net.Dial("unix", r.cfg.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = r.get(t, "/v1/health").Body.Close() // the other connection was accepted before this one
	if took := r.stop(); took > soon {
		t.Errorf("it took %v to stop", took)
	}
}

// P2: the lines are let go at the start and at the stop, of all bays.
func TestWorkLetsLinesGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.gestures.results = []gpio.Result{{Bay: "bay-2", Outcome: gpio.TooLate, Warning: "SETUP was held"}, {Bay: "bay-1", Outcome: gpio.Idle}}
		b.gestures.fail = errors.New("a line is stuck")
		stop := b.work()
		synctest.Wait()
		both := []string{"bay-1", "bay-2"}
		if !slices.EqualFunc(b.gestures.cleaned, [][]string{both}, slices.Equal) {
			t.Errorf("let go at the start: %q", b.gestures.cleaned)
		}
		stop()
		if !slices.EqualFunc(b.gestures.cleaned, [][]string{both, both}, slices.Equal) {
			t.Errorf("let go at the stop too: %q", b.gestures.cleaned)
		}
		for _, want := range []string{"a line is stuck", "bay=bay-2", "may have made a factory reset"} {
			if !strings.Contains(b.log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, b.log)
			}
		}
	})
}

func TestRunRefuses(t *testing.T) {
	garbage := strings.Repeat("garbage ", 4096)
	for name, c := range map[string]struct {
		spoil func(t *testing.T, cfg *daemon.Config)
		code  job.Code
	}{
		"a store of garbage": {func(t *testing.T, cfg *daemon.Config) {
			write(t, filepath.Join(cfg.Store, keystore.StoreFile), garbage)
			write(t, filepath.Join(cfg.Store, keystore.IdentityFile), "AGE-SECRET-KEY-1NOTHING")
		}, job.RecordUnreadable},
		"an empty store without its identity": {func(t *testing.T, cfg *daemon.Config) {
			write(t, filepath.Join(cfg.Store, keystore.StoreFile), "")
		}, job.RecordUnreadable},
		"another daemon's socket": {func(t *testing.T, cfg *daemon.Config) {
			l, err := daemon.Listen(cfg.Socket)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
		}, job.StoreInUse},
		"another daemon's store": {func(t *testing.T, cfg *daemon.Config) {
			store, err := keystore.Open(cfg.Store, keystore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
		}, job.StoreInUse},
		"no folder for the runtime": {func(t *testing.T, cfg *daemon.Config) {
			write(t, cfg.Runtime, "a file")
		}, ""},
		"no escrow": {func(_ *testing.T, cfg *daemon.Config) { cfg.Keys.Escrow = nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := twoBays(t)
			c.spoil(t, &cfg)
			b := &bench{bus: &fakeBus{}, gestures: &fakeGestures{}, log: &logBuffer{}}
			parts := b.parts()
			parts.Ready = func() { t.Error("it is ready") }
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := daemon.Run(ctx, cfg, parts)
			if err == nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("want an error of one line, not %v", err)
			}
			if c.code != "" && !job.HasCode(err, c.code) {
				t.Errorf("%v has not the code %s", err, c.code)
			}
			if len(b.gestures.cleaned) > 0 {
				t.Error("lines were touched")
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}
