package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The updates of a job, as a daemon sends them.
const (
	queued   = `{"job":{"id":"j1","kind":"diagnose","bay":"bay-1","state":"queued","steps":[]}}`
	gesture  = `{"progress":{"job":"j1","step":"enter-dfu","text":"no board on USB yet; it may be making a key","done":12,"total":60}}`
	identify = `{"progress":{"job":"j1","step":"identify","text":"","done":0,"total":0}}`
	entered  = `{"job":{"id":"j1","kind":"diagnose","bay":"bay-1","state":"running","steps":[{"name":"enter-dfu","started":{"at":"2026-01-01T00:00:00Z"},"ended":{"at":"2026-01-01T00:00:03.5Z"},"detail":"by RESET and SETUP"}]}}`
	failed   = `{"job":{"id":"j1","kind":"diagnose","bay":"bay-1","state":"failed","verdict":"fail","fault":{"code":"no-usb","message":"nothing there","hint":"Check the cable."},"steps":[{"name":"enter-dfu","started":{"at":"2026-01-01T00:00:00Z"},"ended":{"at":"2026-01-01T00:00:03.5Z"},"detail":"by RESET and SETUP"},{"name":"identify","failed":true,"started":{"at":"2026-01-01T00:00:03.5Z"},"ended":{"at":"2026-01-01T00:00:04Z"},"detail":"nothing there"}]}}`
)

// fakeDaemon takes any job as j1 and sends these updates; then it calls then,
// if it is set, and keeps the watch open until the client goes.
func fakeDaemon(t *testing.T, then func(), updates ...string) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/watch") {
			_, _ = io.WriteString(w, `{"id":"j1","kind":"diagnose","bay":"bay-1","state":"running"}`)
			return
		}
		_, _ = io.WriteString(w, strings.Join(updates, "\n")+"\n")
		_ = http.NewResponseController(w).Flush()
		if then != nil {
			then()
			<-r.Context().Done()
		}
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ends with the test
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return socket
}

// screen is a terminal of a width, as far as the progress of a job needs one.
type screen struct {
	columns int
	lines   []string
	row     int
	column  int
}

func (s *screen) Write(text []byte) (int, error) {
	if s.lines == nil {
		s.lines = []string{""}
	}
	for rest := string(text); rest != ""; {
		switch {
		case strings.HasPrefix(rest, "\x1b[K"):
			s.lines[s.row] = s.lines[s.row][:min(s.column, len(s.lines[s.row]))]
			rest = rest[3:]
			continue
		case rest[0] == '\r':
			s.column = 0
		case rest[0] == '\n':
			s.down()
		default:
			s.put(rest[0])
		}
		rest = rest[1:]
	}
	return len(text), nil
}

func (s *screen) down() {
	s.row, s.column = s.row+1, 0
	if s.row == len(s.lines) {
		s.lines = append(s.lines, "")
	}
}

func (s *screen) put(letter byte) {
	if s.column == s.columns {
		s.down()
	}
	line := s.lines[s.row] + strings.Repeat(" ", max(0, s.column-len(s.lines[s.row])))
	s.lines[s.row] = line[:s.column] + string(letter) + line[min(len(line), s.column+1):]
	s.column++
}

func (s *screen) String() string { return strings.TrimRight(strings.Join(s.lines, "\n"), "\n") }

// What remains on a terminal is what a pipe gets, whatever its width: no piece
// of progress is left behind.
func TestProgressLeavesNothingBehind(t *testing.T) {
	const want = `job j1: diagnose on bay bay-1
  ok     enter-dfu     3.5 s  by RESET and SETUP
  FAILED identify      0.5 s  nothing there
j1: verdict fail
  no-usb: nothing there
  Check the cable.`
	updates := []string{queued, gesture, gesture, identify, gesture, entered, identify, gesture, failed}
	args := []string{"diagnose", "bay-1", "--socket", fakeDaemon(t, nil, updates...)}
	var pipe strings.Builder
	if code := run(t.Context(), args, environment{stdout: &pipe, stderr: io.Discard}); code != exitFail || strings.TrimSpace(pipe.String()) != want {
		t.Errorf("in a pipe, exit code %d:\n%s", code, pipe.String())
	}
	for _, columns := range []int{60, 76, 77, 80, 200} {
		s := &screen{columns: columns}
		code := run(t.Context(), args, environment{stdout: s, stderr: io.Discard, columns: func() int { return columns }})
		if code != exitFail || s.String() != want {
			t.Errorf("%d columns, exit code %d:\n%s", columns, code, s)
		}
	}
}

// onShown is a screen that calls do once it shows a text.
type onShown struct {
	screen
	text string
	do   func()
}

func (s *onShown) Write(text []byte) (int, error) {
	n, err := s.screen.Write(text)
	if strings.Contains(s.String(), s.text) {
		s.do()
	}
	return n, err
}

// Progress is shown while a step runs. Who stops watching is told how to stop
// the job, by the id that the daemon has made, on a clean line.
func TestInterruptedWatch(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	s := &onShown{screen: screen{columns: 80}, text: "  ... enter-dfu    no board on USB yet; it may be making a key 12 of 60", do: interrupt}
	var stderr strings.Builder
	args := []string{"diagnose", "bay-1", "--socket", fakeDaemon(t, func() {}, queued, entered, gesture)}
	code := run(ctx, args, environment{stdout: s, stderr: &stderr, columns: func() int { return 80 }})
	if want := "gatewayd: not watching any more; the job goes on. To stop it: gatewayd jobs --cancel j1\n"; code != exitInternal || stderr.String() != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, stderr.String(), want)
	}
	if want := "job j1: diagnose on bay bay-1\n  ok     enter-dfu     3.5 s  by RESET and SETUP"; s.String() != want {
		t.Errorf("on the screen:\n%s\nwant:\n%s", s, want)
	}
}

// JSON is alone on stdout, on a terminal too.
func TestJSONIsAlone(t *testing.T) {
	var stdout, stderr strings.Builder
	socket := fakeDaemon(t, nil, queued, gesture, entered, failed)
	code := run(t.Context(), []string{"diagnose", "bay-1", "--json", "--socket", socket}, environment{stdout: &stdout, stderr: &stderr, columns: func() int { return 80 }})
	if code != exitFail || stderr.Len() > 0 || !strings.HasPrefix(stdout.String(), "{\n") || !strings.HasSuffix(stdout.String(), "\n}\n") {
		t.Errorf("exit code %d, stderr %q, stdout %q", code, stderr.String(), stdout.String())
	}
}

// A canceled job is shown as it ended, not as it was when it was told to end.
func TestCancelWaitsForTheEnd(t *testing.T) {
	canceled := strings.Replace(entered, `"running"`, `"canceled"`, 1)
	var stdout strings.Builder
	code := run(t.Context(), []string{"jobs", "--cancel", "j1", "--socket", fakeDaemon(t, nil, entered, canceled)}, environment{stdout: &stdout, stderr: io.Discard})
	if want := "  ok     enter-dfu     3.5 s  by RESET and SETUP\nj1: canceled\n"; code != exitPass || stdout.String() != want {
		t.Errorf("exit code %d:\n%s", code, stdout.String())
	}
}

// A watch that breaks off leaves no progress in the way of the message.
func TestDaemonGoesAway(t *testing.T) {
	s := &screen{columns: 80}
	var stderr strings.Builder
	socket := fakeDaemon(t, nil, queued, gesture)
	code := run(t.Context(), []string{"diagnose", "bay-1", "--socket", socket}, environment{stdout: s, stderr: &stderr, columns: func() int { return 80 }})
	if code != exitUnreachable || s.String() != "job j1: diagnose on bay bay-1" || strings.Count(stderr.String(), "\n") != 2 {
		t.Errorf("exit code %d, on the screen %q, stderr %q", code, s, stderr.String())
	}
	if want := fmt.Sprintf("gatewayd: watching job %s: ", "j1"); !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("stderr %q, want %q", stderr.String(), want)
	}
}
