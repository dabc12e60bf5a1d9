package gpio_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/gpio"
)

// leaveMarker lets a child die at an age with its lines still driven, and
// changes the marker it left.
func (r *rig) leaveMarker(age time.Duration, change func(*gpio.Marker)) {
	r.t.Helper()
	r.bench.KeepDriven()
	r.start(gpio.ActEnterDFU)
	sleepTo(age)
	if err := r.last().Signal(syscall.SIGKILL); err != nil {
		r.t.Fatal(err)
	}
	m := r.marker()
	change(m)
	if err := gpio.Save(r.store, *m); err != nil {
		r.t.Fatal(err)
	}
}

// P2: without a marker of this boot both lines are let go and RESET is never
// pulsed. A marker that cannot be understood is none, and is logged.
func TestCleanUpWithoutMarker(t *testing.T) {
	cases := map[string]struct {
		change func(*gpio.Marker)
		data   string
		logged bool
	}{
		"another boot":  {change: func(m *gpio.Marker) { m.Boot = "another" }},
		"a reset":       {change: func(m *gpio.Marker) { m.Act = gpio.ActReset }},
		"in the future": {change: func(m *gpio.Marker) { m.Rose += time.Hour }, logged: true},
		"garbage":       {data: "{\"boot\":", logged: true},
		"an empty file": {data: "\n", logged: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, testBay)
				r.leaveMarker(8*time.Second/4, func(m *gpio.Marker) {
					if c.change != nil {
						c.change(m)
					}
				})
				if c.data != "" {
					_ = r.store.Write([]byte(c.data))
				}
				var log bytes.Buffer
				runner := gpio.NewFakeRunner(r.bench.NewProcess().Open, r.gesture, gpio.Fakes{
					Clock: r.clock, Find: r.find, Log: slog.New(slog.NewTextHandler(&log, nil)),
					Store: func(string) gpio.MarkerStore { return r.store },
				})
				time.Sleep(6 * time.Second) // in the window
				before := len(r.bench.Timeline())
				results, err := runner.CleanUp(t.Context(), r.bay)
				if err != nil || results[0].Outcome != gpio.Idle {
					t.Errorf("got %+v, %v", results, err)
				}
				if events := r.bench.Timeline()[before:]; len(events) != 1 || events[0].Asserted {
					t.Errorf("want one release, got %v", events)
				}
				if _, err := r.store.Read(); err == nil {
					t.Error("the marker is still there")
				}
				if got := strings.Contains(log.String(), "marker"); got != c.logged {
					t.Errorf("log: %q", log.String())
				}
			})
		})
	}
}

// P2: a process that has the number of the child, but is another, is neither
// signalled nor waited for.
func TestCleanUpIgnoresAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.leaveMarker(time.Second, func(m *gpio.Marker) { m.Process.Started++ })
		before := r.clock.Monotonic()
		results, err := r.runner().CleanUp(t.Context(), r.bay)
		if err != nil || results[0].Outcome != gpio.CutShort || r.clock.Monotonic() != before {
			t.Errorf("got %+v, %v after %v", results, err, r.clock.Monotonic()-before)
		}
		r.check()
	})
}

// P2: an ending is told until it is acknowledged, and after a possible factory
// reset the lines stay untouched for 60 s whatever restarts meanwhile.
func TestTooLateIsToldAndKeptQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.start(gpio.ActEnterDFU)
		r.signalAt(time.Second, syscall.SIGSTOP)
		sleepTo(13 * time.Second)

		results, err := r.runner().CleanUp(t.Context(), r.bay) // by the unit
		if err != nil || results[0].Outcome != gpio.TooLate || results[0].QuietFor != time.Minute {
			t.Fatalf("got %+v, %v", results, err)
		}
		time.Sleep(10 * time.Second)
		daemon := r.runner()
		again, err := daemon.CleanUp(t.Context(), r.bay)
		if err != nil || again[0].Outcome != gpio.TooLate || again[0].QuietFor != 50*time.Second || again[0].Warning != results[0].Warning {
			t.Fatalf("told again: %+v, %v", again, err)
		}
		if err := daemon.Acknowledge(r.bay.Name); err != nil {
			t.Fatal(err)
		}
		told, err := r.runner().CleanUp(t.Context(), r.bay)
		if err != nil || told[0].Outcome != gpio.Idle || told[0].QuietFor != 50*time.Second {
			t.Fatalf("after the acknowledgement: %+v, %v", told, err)
		}
		if err := daemon.Reset(t.Context(), r.bay); !errors.Is(err, gpio.ErrQuiet) {
			t.Fatalf("RESET within the quiet time: %v", err)
		}
		time.Sleep(50 * time.Second)
		if result, err := daemon.EnterDFU(t.Context(), r.bay); err != nil || result.Outcome != gpio.Completed {
			t.Fatalf("after the quiet time: %+v, %v", result, err)
		}
		r.check()
	})
}

func TestAcknowledgeForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		runner := r.runner()
		r.signalAt(2*time.Second, syscall.SIGKILL)
		if _, err := runner.EnterDFU(t.Context(), r.bay); !errors.Is(err, gpio.ErrGestureFailed) {
			t.Fatal(err)
		}
		for _, want := range []gpio.Outcome{gpio.CutShort, gpio.Idle} {
			results, err := r.runner().CleanUp(t.Context(), r.bay)
			if err != nil || results[0].Outcome != want {
				t.Errorf("got %+v, %v, want %s", results, err, want)
			}
			if err := runner.Acknowledge(r.bay.Name); err != nil {
				t.Error(err)
			}
		}
		if err := runner.Acknowledge("../bay"); err == nil {
			t.Error("a name leads out of the folder")
		}
	})
}

// A clean-up waits for the gesture of its own daemon.
func TestCleanUpWaitsForAGesture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		runner := r.runner()
		done := make(chan error)
		go func() {
			_, err := runner.EnterDFU(t.Context(), r.bay)
			done <- err
		}()
		time.Sleep(time.Second)
		go func() {
			_, err := runner.CleanUp(t.Context(), r.bay)
			done <- err
		}()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		r.check()
	})
}

// The kernel may let go of a dead process's lines a little late.
func TestCleanUpOfLinesThatComeFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		other := r.bench.NewProcess()
		if _, err := other.Open(r.bay.Chip, r.bay.Reset); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(500*time.Millisecond, func() { _ = other.Signal(syscall.SIGKILL) })
		if results, err := r.runner().CleanUp(t.Context(), r.bay); err != nil || results[0].Outcome != gpio.Idle {
			t.Errorf("got %+v, %v", results, err)
		}
	})
}

// A line that somebody else keeps is not waited for without end.
func TestCleanUpOfBusyLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		if _, err := r.bench.NewProcess().Open(r.bay.Chip, r.bay.Reset); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err := r.runner().CleanUp(t.Context(), r.bay)
		if !errors.Is(err, gpio.ErrLinesBusy) || time.Since(begun) > 3*time.Second {
			t.Errorf("got %v after %v", err, time.Since(begun))
		}
	})
}

// An earlier gesture that nobody ended is ended before the next one, which
// then is not made.
func TestEarlierGestureComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.start(gpio.ActEnterDFU)
		time.Sleep(time.Second)
		runner := r.runner()
		if _, err := runner.EnterDFU(t.Context(), r.bay); !errors.Is(err, gpio.ErrGestureFailed) {
			t.Errorf("got %v", err)
		}
		if result, err := runner.EnterDFU(t.Context(), r.bay); err != nil {
			t.Errorf("got %+v, %v", result, err)
		}
		r.check()
	})
}
