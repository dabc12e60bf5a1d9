package gpiotest_test

import (
	"errors"
	"net"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var bay = gpio.Bay{Name: "b", Chip: "chip", Reset: "GPIO17", Setup: "GPIO27", Wiring: gpio.FET}

func clockFrom(start time.Time) func() time.Duration {
	return func() time.Duration { return time.Since(start) }
}

func TestLinesBelongToOneProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bench := gpiotest.NewBench(bay, clockFrom(time.Now()))
		first, second := bench.NewProcess(), bench.NewProcess()
		pin, err := first.Open(bay.Chip, bay.Reset)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := second.Open(bay.Chip, bay.Reset); !errors.Is(err, gpio.ErrLinesBusy) {
			t.Errorf("claimed twice: %v", err)
		}
		if _, err := second.Open(bay.Chip, "GPIO5"); err == nil {
			t.Error("an unknown line was claimed")
		}
		if err := errors.Join(pin.High(), pin.Close()); err != nil {
			t.Error(err)
		}
		if err := pin.High(); err == nil {
			t.Error("a closed pin was driven")
		}
		if _, err := second.Open(bay.Chip, bay.Reset); err != nil {
			t.Error(err)
		}
	})
}

func TestDeathLetsGoUnlessTheKernelKeeps(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			bench := gpiotest.NewBench(bay, clockFrom(time.Now()))
			if keep {
				bench.KeepDriven()
			}
			process := bench.NewProcess()
			after := false
			process.Run(func() {
				pin, err := process.Open(bay.Chip, bay.Setup)
				if err != nil {
					t.Error(err)
					return
				}
				_ = pin.High()
				time.Sleep(time.Second)
				_ = pin.Low()
				after = true
			})
			synctest.Wait()
			if err := process.Signal(syscall.SIGKILL); err != nil || !process.Ended() {
				t.Errorf("killed: %v, ended %v", err, process.Ended())
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			want := []gpiotest.Event{{Line: gpiotest.Setup, Asserted: true}}
			if !keep {
				want = append(want, gpiotest.Event{Line: gpiotest.Setup, Died: true})
			}
			if got := bench.Timeline(); !slices.Equal(got, want) || after {
				t.Errorf("got %v (went on: %v), want %v", got, after, want)
			}
		})
	}
}

func TestStopAndContinue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bench := gpiotest.NewBench(bay, clockFrom(time.Now()))
		process := bench.NewProcess()
		_ = process.Signal(syscall.SIGSTOP)
		process.Run(func() {
			pin, err := process.Open(bay.Chip, bay.Reset)
			if err != nil {
				t.Error(err)
				return
			}
			_ = pin.High()
			_ = pin.Input()
		})
		time.Sleep(time.Second)
		_ = process.Signal(syscall.SIGCONT)
		synctest.Wait()
		if got := bench.Timeline(); len(got) != 2 || got[0].At != time.Second || !process.Ended() {
			t.Errorf("got %v, ended %v", got, process.Ended())
		}
		if err := process.Signal(syscall.SIGTERM); err == nil {
			t.Error("a signal without a fake was taken")
		}
	})
}

func TestBreak(t *testing.T) {
	bench := gpiotest.NewBench(bay, clockFrom(time.Now()))
	pin, err := bench.NewProcess().Open(bay.Chip, bay.Reset)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	bench.Break(gpiotest.Reset, broken)
	if err := pin.High(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	bench.Break(gpiotest.Reset, nil)
	if err := pin.High(); err != nil {
		t.Error(err)
	}
}

func TestServe(t *testing.T) {
	bench := gpiotest.NewBench(bay, clockFrom(time.Now()))
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		bench.Serve(listener)
	}()
	open := gpiotest.Dial(socket)
	pin, err := open(bay.Chip, bay.Setup)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(bay.Chip, bay.Setup); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("claimed twice: %v", err)
	}
	if _, err := open("other", bay.Setup); err == nil {
		t.Error("an unknown chip was found")
	}
	if err := errors.Join(pin.High(), pin.Low(), pin.Input(), pin.Close()); err != nil {
		t.Error(err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	<-served
	if got := bench.Timeline(); len(got) != 2 || !got[0].Asserted || got[1].Asserted {
		t.Errorf("got %v", got)
	}
	if _, err := open(bay.Chip, bay.Setup); err == nil {
		t.Error("claimed on a bench that is gone")
	}
}
