package gpio_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

// shape returns the lines' changes with their times from the first one.
func shape(events []gpiotest.Event) []gpiotest.Event {
	events = slices.Clone(events)
	for i := len(events) - 1; i >= 0; i-- {
		events[i].At -= events[0].At
	}
	return events
}

// P2: the gesture as it is meant.
func TestEnterDFUTimes(t *testing.T) {
	for _, wiring := range []gpio.Wiring{gpio.FET, gpio.Direct} {
		for _, hold := range []time.Duration{0, gpio.MinHold, gpio.MaxHold} {
			synctest.Test(t, func(t *testing.T) {
				bay := gpio.Bay{Name: "b", Chip: "chip", Reset: "line-a", Setup: "line-b", Wiring: wiring}
				r := newRig(t, bay)
				r.gesture.Hold = hold
				result, err := r.runner().EnterDFU(t.Context(), bay)
				if err != nil || result.Outcome != gpio.Completed || result.Warning != "" || result.SafeMode {
					t.Fatalf("got %+v, %v", result, err)
				}
				if hold == 0 {
					hold = 3400 * time.Millisecond
				}
				want := []gpiotest.Event{
					{At: 0, Line: gpiotest.Setup, Asserted: true},
					{At: 0, Line: gpiotest.Reset, Asserted: true},
					{At: 20 * time.Millisecond, Line: gpiotest.Reset},
					{At: 20*time.Millisecond + hold, Line: gpiotest.Setup},
				}
				if got := shape(r.bench.Timeline()); !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				if late := result.SinceRise - hold; late < 0 || late > 100*time.Millisecond {
					t.Errorf("%v since the rise, held %v", result.SinceRise, hold)
				}
				if m := r.marker(); m != nil {
					t.Errorf("a marker is left: %+v", m)
				}
				r.check()
			})
		}
	}
}

func TestResetLeavesSetupAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		if err := r.runner().Reset(t.Context(), r.bay); err != nil {
			t.Fatal(err)
		}
		want := []gpiotest.Event{
			{At: 0, Line: gpiotest.Reset, Asserted: true},
			{At: 20 * time.Millisecond, Line: gpiotest.Reset},
		}
		if got := shape(r.bench.Timeline()); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if r.marker() != nil {
			t.Error("a marker is left")
		}
		r.check()
	})
}

// A RESET whose process is lost is no RESET, and never moves SETUP.
func TestResetIsLost(t *testing.T) {
	for _, blow := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, testBay)
			r.signalAt(-10*time.Millisecond, blow)
			runner := r.runner()
			if err := runner.Reset(t.Context(), r.bay); !errors.Is(err, gpio.ErrGestureFailed) {
				t.Errorf("%v: got %v", blow, err)
			}
			if events := r.bench.Timeline(); len(events) != 2 || r.marker() != nil {
				t.Errorf("%v: got %v, marker %v", blow, events, r.marker())
			}
			if err := runner.Reset(t.Context(), r.bay); err != nil {
				t.Errorf("again: %v", err)
			}
			r.check()
		})
	}
}

// A RESET line that cannot be driven is the station's fault.
func TestBrokenReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.bench.Break(gpiotest.Reset, errors.New("input/output error"))
		if err := r.runner().Reset(t.Context(), r.bay); !errors.Is(err, gpio.ErrLines) {
			t.Errorf("got %v", err)
		}
	})
}

// P2: the marker is there before SETUP goes active, and says when RESET rises.
func TestMarkerComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.start(gpio.ActEnterDFU)
		synctest.Wait() // in the middle of the pulse
		m := r.marker()
		if m == nil || m.Phase != gpio.PhasePlanned || m.Boot != testBoot || m.Rose != r.clock.Monotonic()+gpio.ResetPulse {
			t.Fatalf("in the pulse the marker is %+v", m)
		}
		time.Sleep(time.Second)
		m = r.marker()
		if m == nil || m.Phase != gpio.PhaseRisen || m.Rose != r.clock.Monotonic()-time.Second+gpio.ResetPulse {
			t.Fatalf("after the pulse the marker is %+v", m)
		}
		time.Sleep(10 * time.Second)
		r.check()
	})
}

// P2: without a marker nothing is driven.
func TestNoMarkerNoGesture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.store.fault = errors.New("disk full")
		_, err := r.runner().EnterDFU(t.Context(), r.bay)
		if !errors.Is(err, gpio.ErrGestureFailed) || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("got %v", err)
		}
		if events := r.bench.Timeline(); len(events) > 0 {
			t.Errorf("lines were driven: %v", events)
		}
	})
}

func TestOneGestureAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		first := r.runner()
		done := make(chan error)
		go func() {
			_, err := first.EnterDFU(t.Context(), r.bay)
			done <- err
		}()
		time.Sleep(time.Second)
		if _, err := first.EnterDFU(t.Context(), r.bay); !errors.Is(err, gpio.ErrLinesBusy) {
			t.Errorf("the same daemon got %v", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		r.check()
	})
}

func TestLinesOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		other := r.bench.NewProcess()
		pin, err := other.Open(r.bay.Chip, r.bay.Setup)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.runner().EnterDFU(t.Context(), r.bay)
		if !errors.Is(err, gpio.ErrLinesBusy) || errors.Is(err, gpio.ErrLines) || r.marker() != nil || len(r.bench.Timeline()) > 0 {
			t.Errorf("got %v, marker %v, events %v", err, r.marker(), r.bench.Timeline())
		}
		if err := pin.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err = r.runner().EnterDFU(t.Context(), r.bay); err != nil {
			t.Error(err)
		}
		r.check()
	})
}

// P2: a line that cannot be driven ends the gesture with both lines let go.
func TestBrokenLine(t *testing.T) {
	broken := errors.New("input/output error")
	for _, line := range []gpiotest.Line{gpiotest.Reset, gpiotest.Setup} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, testBay)
			r.bench.Break(line, broken)
			time.AfterFunc(5*time.Second, func() { r.bench.Break(line, nil) })
			_, err := r.runner().EnterDFU(t.Context(), r.bay)
			if !errors.Is(err, gpio.ErrLines) || !strings.Contains(err.Error(), broken.Error()) {
				t.Errorf("%s: got %v", line, err)
			}
			time.Sleep(6 * time.Second)
			if _, err := r.runner().CleanUp(t.Context(), r.bay); err != nil {
				t.Error(err)
			}
			for _, event := range r.bench.Timeline() {
				if event.Line == gpiotest.Reset {
					t.Errorf("RESET moved: %v", event)
				}
			}
		})
	}
}

func TestCancelDoesNotCutTheGesture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if result, err := r.runner().EnterDFU(ctx, r.bay); err != nil || result.Outcome != gpio.Completed {
			t.Errorf("got %+v, %v", result, err)
		}
		if _, err := r.runner().EnterDFU(ctx, r.bay); !errors.Is(err, context.Canceled) {
			t.Errorf("begun after the cancel: %v", err)
		}
		r.check()
	})
}
