package gpio_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

// realBench is a bench for real processes, in real time.
type realBench struct {
	t      *testing.T
	bench  *gpiotest.Bench
	dir    string
	socket string
}

func newRealBench(t *testing.T) *realBench {
	t.Helper()
	clock, err := gpio.SystemClock()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	bench := gpiotest.NewBench(testBay, clock.Monotonic)
	served := make(chan struct{})
	go func() {
		defer close(served)
		bench.Serve(listener)
	}()
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
	return &realBench{t: t, bench: bench, dir: dir, socket: socket}
}

// runner returns the Runner of a new daemon, whose children are real.
func (b *realBench) runner() *gpio.Runner {
	b.t.Helper()
	runner, err := gpio.NewRunner(gpio.RunnerConfig{
		Command:    []string{os.Args[0], childWord, b.socket},
		RuntimeDir: b.dir,
		Open:       gpiotest.Dial(b.socket),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return runner
}

// strike waits until RESET has risen, and age longer, and signals the child.
func (b *realBench) strike(age time.Duration, signals ...syscall.Signal) gpio.ProcessID {
	b.t.Helper()
	clock, err := gpio.SystemClock()
	if err != nil {
		b.t.Fatal(err)
	}
	store := gpio.MarkerFile(filepath.Join(b.dir, testBay.Name+".gesture"))
	for range 2000 {
		m, err := gpio.Load(store, clock)
		if err != nil {
			b.t.Fatal(err)
		}
		if m != nil && m.Phase == gpio.PhaseRisen && clock.Monotonic()-m.Rose >= age {
			for _, s := range signals {
				if err := gpio.SignalID(m.Process, s); err != nil {
					b.t.Error(err)
				}
			}
			return m.Process
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.t.Fatal("RESET did not rise")
	return gpio.ProcessID{}
}

// orphan starts a gesture that no Runner watches, and returns a function that
// waits for its end and returns what it printed.
func (b *realBench) orphan() (wait func() string) {
	b.t.Helper()
	request := fmt.Sprintf(`{"act":"enter-dfu","runtime_dir":%q,"bay":{"name":%q,"chip":%q,"reset":%q,"setup":%q,"wiring":"fet"}}`,
		b.dir, testBay.Name, testBay.Chip, testBay.Reset, testBay.Setup)
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], childWord, b.socket, request)
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	return func() string {
		_ = cmd.Wait()
		return out.String()
	}
}

// child runs the child's process with any arguments to its end.
func (b *realBench) child(args ...string) (stdout string, code int) {
	b.t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{childWord, b.socket}, args...)...)
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		b.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (b *realBench) check() {
	b.t.Helper()
	if err := gpiotest.CheckTimeline(b.bench.Timeline()); err != nil {
		b.t.Error(err)
	}
}

// P2: the gesture of a real process, and what dies and stalls within it.
func TestRealChild(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		age      time.Duration
		signals  []syscall.Signal
		want     gpio.Outcome
		safeMode bool
		warns    bool
	}{
		"undisturbed":      {want: gpio.Completed},
		"asked to end":     {age: 500 * time.Millisecond, signals: []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT}, want: gpio.Completed},
		"killed at 0.5 s":  {age: 500 * time.Millisecond, signals: []syscall.Signal{syscall.SIGKILL}, want: gpio.CutShort, warns: true},
		"stopped at 0.5 s": {age: 500 * time.Millisecond, signals: []syscall.Signal{syscall.SIGSTOP}, want: gpio.Completed, warns: true},
		"killed at 2 s":    {age: 2 * time.Second, signals: []syscall.Signal{syscall.SIGKILL}, want: gpio.CutShort, safeMode: true, warns: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newRealBench(t)
			runner := b.runner()
			struck := make(chan struct{})
			go func() {
				defer close(struck)
				child := b.strike(c.age, c.signals...)
				if group, err := syscall.Getpgid(child.PID); err == nil && group != child.PID {
					t.Errorf("process %d is in group %d", child.PID, group)
				}
			}()
			result, err := runner.EnterDFU(t.Context(), testBay)
			<-struck
			if result.Outcome != c.want || result.SafeMode != c.safeMode || (result.Warning != "") != c.warns || (err == nil) != (c.want == gpio.Completed) {
				t.Errorf("got %+v, %v", result, err)
			}
			b.check()
		})
	}
}

// P2: a new daemon finds a real child of the last one, stopped at 2 s, in the
// window: the child is woken and ends the gesture under RESET.
func TestRealChildFoundInTheWindow(t *testing.T) {
	t.Parallel()
	b := newRealBench(t)
	child := b.orphan()
	b.strike(2*time.Second, syscall.SIGSTOP)
	time.Sleep(4500 * time.Millisecond)
	results, err := b.runner().CleanUp(t.Context(), testBay)
	if err != nil || results[0].Outcome != gpio.ResetInWindow {
		t.Errorf("got %+v, %v", results, err)
	}
	if out := child(); !strings.Contains(out, `"outcome":"reset-in-window"`) {
		t.Errorf("the child said %q", out)
	}
	b.check()
}

func TestRealReset(t *testing.T) {
	t.Parallel()
	b := newRealBench(t)
	if err := b.runner().Reset(t.Context(), testBay); err != nil {
		t.Error(err)
	}
	if events := b.bench.Timeline(); len(events) != 2 || events[0].Line != gpiotest.Reset {
		t.Errorf("got %v", events)
	}
	b.check()
}

func TestChildRefusesNonsense(t *testing.T) {
	t.Parallel()
	b := newRealBench(t)
	for _, args := range [][]string{nil, {"{}"}, {"{", "}"}, {`{"act":"enter-dfu","runtime_dir":"/run","hold":9000000000,"bay":{"name":"b","reset":"a","setup":"c","wiring":"fet"}}`}} {
		if out, code := b.child(args...); code == 0 || !strings.Contains(out, `"error":"failed"`) {
			t.Errorf("%q: exit code %d, %q", args, code, out)
		}
	}
	if events := b.bench.Timeline(); len(events) > 0 {
		t.Errorf("lines were driven: %v", events)
	}
}

// P2: a time of the clock means the same in every process: it counts from the
// start of the kernel (proc(5), /proc/uptime, which also counts a suspension).
func TestSystemClock(t *testing.T) {
	t.Parallel()
	clock, err := gpio.SystemClock()
	if err != nil || len(clock.Boot) != 36 {
		t.Fatalf("boot id %q, %v", clock.Boot, err)
	}
	now := clock.Monotonic()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	up := duration(t, strings.Fields(string(text))[0]+"s")
	if now <= 0 || now > up+time.Second {
		t.Errorf("the clock shows %v, the kernel is up for %v", now, up)
	}
}

func TestProcessID(t *testing.T) {
	t.Parallel()
	self, err := gpio.SelfID()
	if err != nil || gpio.EndedID(self) {
		t.Errorf("%+v has ended, %v", self, err)
	}
	other := self
	other.Started++
	if !gpio.EndedID(other) {
		t.Error("another process of the same number counts as the same")
	}
	if err := gpio.SignalID(other, syscall.SIGKILL); err != nil {
		t.Errorf("signal to a process that is gone: %v", err)
	}
}
