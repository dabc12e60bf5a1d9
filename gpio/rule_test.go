package gpio_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

// lateCase is how the rule ends a gesture whose SETUP is let go at an age.
type lateCase struct {
	age  time.Duration
	want gpio.Outcome
}

// lateCases are both sides of each limit of the rule. What is let go before
// the hold is over is cut short for who finds it, not for who holds it.
var lateCases = []lateCase{
	{500 * time.Millisecond, gpio.CutShort},
	{2000 * time.Millisecond, gpio.CutShort},
	{4000 * time.Millisecond, gpio.Completed},
	{5990 * time.Millisecond, gpio.Completed},
	{6000 * time.Millisecond, gpio.Completed},
	{6010 * time.Millisecond, gpio.ResetInWindow},
	{7000 * time.Millisecond, gpio.ResetInWindow},
	{11000 * time.Millisecond, gpio.ResetInWindow},
	{11500 * time.Millisecond, gpio.ResetInWindow},
	{11600 * time.Millisecond, gpio.TooLate},
	{13000 * time.Millisecond, gpio.TooLate},
}

func eachLate(t *testing.T, run func(*testing.T, lateCase)) {
	for _, c := range lateCases {
		t.Run(c.age.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, c) })
		})
	}
}

// P2: a child that was stopped and wakes late follows the rule by itself.
func TestChildWakesLate(t *testing.T) {
	eachLate(t, func(t *testing.T, c lateCase) {
		r := newRig(t, testBay)
		r.start(gpio.ActEnterDFU)
		r.signalAt(100*time.Millisecond, syscall.SIGSTOP)
		r.signalAt(c.age, syscall.SIGCONT)
		sleepTo(c.age + 4*time.Second)
		want := c.want
		if want == gpio.CutShort {
			want = gpio.Completed // woken early enough to go on
		}
		results, err := r.runner().CleanUp(t.Context(), r.bay)
		if err != nil {
			t.Fatal(err)
		}
		if want == gpio.Completed {
			want = gpio.Idle // nothing is left to tell
		}
		if got := results[0]; got.Outcome != want || got.SafeMode {
			t.Errorf("got %+v, want %s", got, want)
		}
		r.check()
	})
}

// P2: who finds the lines of a dead process still driven follows the rule,
// whatever its driver does to a line when it claims it.
func TestDeadChildKeepsDriving(t *testing.T) {
	for _, openInputs := range []bool{false, true} {
		eachLate(t, func(t *testing.T, c lateCase) {
			r := newRig(t, testBay)
			r.bench.KeepDriven()
			if openInputs {
				r.bench.OpenInputs()
			}
			r.start(gpio.ActEnterDFU)
			r.signalAt(100*time.Millisecond, syscall.SIGKILL)
			sleepTo(c.age)
			results, err := r.runner().CleanUp(t.Context(), r.bay)
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if want == gpio.Completed {
				want = gpio.CutShort // nobody knows how long SETUP was held
			}
			if c.age > 6500*time.Millisecond {
				want = gpio.TooLate // another kernel may have let go in the window
			}
			got := results[0]
			if got.Outcome != want || got.SafeMode != (want == gpio.CutShort && c.age > time.Second) {
				t.Errorf("got %+v, want %s", got, want)
			}
			sinceRise := c.age
			if c.want == gpio.ResetInWindow {
				sinceRise = 0 // the board is saved if it still can be
			}
			checkAdvice(t, got, sinceRise)
			r.check()
		})
	}
}

// P2: a child that stood still and was killed late has let SETUP go where that
// starts a factory reset. Nobody could help, but it is told.
func TestChildDiesInWindow(t *testing.T) {
	for _, c := range []struct {
		dies, found time.Duration
		want        gpio.Outcome
	}{
		{6100 * time.Millisecond, 6400 * time.Millisecond, gpio.ResetInWindow},
		{7 * time.Second, 8 * time.Second, gpio.TooLate},
		{11 * time.Second, 11200 * time.Millisecond, gpio.TooLate},
		{2 * time.Second, 8 * time.Second, gpio.TooLate}, // it cannot be told from the one before
	} {
		t.Run(c.dies.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, testBay)
				r.start(gpio.ActEnterDFU)
				r.signalAt(100*time.Millisecond, syscall.SIGSTOP)
				r.signalAt(c.dies, syscall.SIGKILL)
				sleepTo(c.found)
				results, err := r.runner().CleanUp(t.Context(), r.bay)
				if err != nil || results[0].Outcome != c.want {
					t.Errorf("got %+v, %v, want %s", results, err, c.want)
				}
			})
		})
	}
}

// checkAdvice checks what a result tells the caller to wait for.
func checkAdvice(t *testing.T, got gpio.Result, sinceRise time.Duration) {
	t.Helper()
	quiet, kind := time.Duration(0), gpio.ErrGestureFailed
	if got.Outcome == gpio.TooLate {
		quiet, kind = time.Minute, gpio.ErrFactoryResetPossible
	}
	if got.SinceRise != sinceRise || got.QuietFor != quiet {
		t.Errorf("got %v since the rise and quiet for %v, want %v and %v", got.SinceRise, got.QuietFor, sinceRise, quiet)
	}
	if err := got.Err(); !errors.Is(err, kind) || got.Warning == "" {
		t.Errorf("got %v (%q), want %v", err, got.Warning, kind)
	}
}

// P2: a daemon that starts while the last one's child is stopped. The child is
// killed only where its death may let SETUP go, woken in the window, and the
// board never sees SETUP rise there.
func TestNewDaemonFindsStoppedChild(t *testing.T) {
	eachLate(t, func(t *testing.T, c lateCase) {
		r := newRig(t, testBay)
		stopped := r.start(gpio.ActEnterDFU)
		r.signalAt(100*time.Millisecond, syscall.SIGSTOP)
		sleepTo(c.age)
		results, err := r.runner().CleanUp(t.Context(), r.bay)
		if err != nil {
			t.Fatal(err)
		}
		want := map[gpio.Outcome]gpio.Outcome{
			gpio.CutShort:      gpio.Completed, // held until the supervisor ended it
			gpio.Completed:     gpio.Completed,
			gpio.ResetInWindow: gpio.ResetInWindow,
			gpio.TooLate:       gpio.TooLate,
		}[c.want]
		got := results[0].Outcome
		if c.age > 5800*time.Millisecond && c.age <= 6000*time.Millisecond {
			want = gpio.Idle // woken, and ended by itself in time
		}
		if got != want {
			t.Errorf("got %+v, want %s", results[0], want)
		}
		if !stopped.Ended() {
			t.Error("the child is still there")
		}
		r.check()
	})
}

// P2: the same child under its own daemon.
func TestSupervisorEndsStoppedChild(t *testing.T) {
	const ms = time.Millisecond
	for _, at := range []time.Duration{-10 * ms, 100 * ms, 500 * ms, 2000 * ms, 3390 * ms} {
		t.Run(at.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, testBay)
				r.signalAt(at, syscall.SIGSTOP)
				result, err := r.runner().EnterDFU(t.Context(), r.bay)
				if at < 0 { // RESET rose when the child was killed
					if !errors.Is(err, gpio.ErrGestureFailed) || result.Outcome != gpio.CutShort || result.SinceRise > 100*time.Millisecond {
						t.Errorf("got %+v, %v", result, err)
					}
				} else if err != nil || result.Outcome != gpio.Completed || result.Warning == "" {
					t.Errorf("got %+v, %v", result, err)
				}
				r.check()
			})
		})
	}
}

// P2: a child that dies lets SETUP go at once, and the daemon says what that
// made of the board.
func TestSupervisorSeesChildDie(t *testing.T) {
	cases := []struct {
		at       time.Duration
		want     gpio.Outcome
		safeMode bool
	}{
		{-10 * time.Millisecond, gpio.CutShort, false},
		{500 * time.Millisecond, gpio.CutShort, false},
		{2 * time.Second, gpio.CutShort, true},
		{3200 * time.Millisecond, gpio.Completed, false},
	}
	for _, c := range cases {
		t.Run(c.at.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, testBay)
				r.signalAt(c.at, syscall.SIGKILL)
				result, err := r.runner().EnterDFU(t.Context(), r.bay)
				if result.Outcome != c.want || result.SafeMode != c.safeMode || errors.Is(err, gpio.ErrGestureFailed) != (c.want == gpio.CutShort) {
					t.Errorf("got %+v, %v", result, err)
				}
				r.check()
			})
		})
	}
}

// P2: a daemon that was stopped together with its child.
func TestStalledSupervisor(t *testing.T) {
	eachLate(t, func(t *testing.T, c lateCase) {
		r := newRig(t, testBay)
		daemon := r.bench.NewProcess()
		runner := r.runnerIn(daemon)
		var result gpio.Result
		var err error
		daemon.Run(func() { result, err = runner.EnterDFU(t.Context(), r.bay) })
		r.signalAt(100*time.Millisecond, syscall.SIGSTOP)
		time.AfterFunc(gpio.ResetPulse+100*time.Millisecond, func() { _ = daemon.Signal(syscall.SIGSTOP) })
		time.AfterFunc(gpio.ResetPulse+c.age, func() { _ = daemon.Signal(syscall.SIGCONT) })
		time.Sleep(20 * time.Second)
		synctest.Wait() // so that what it wrote may be read
		want := c.want
		if want == gpio.CutShort {
			want = gpio.Completed // held until the supervisor ended it
		}
		if result.Outcome != want || (err == nil) != (want == gpio.Completed) {
			t.Errorf("got %+v, %v, want %s", result, err, want)
		}
		r.check()
	})
}

// P2: a child that is stopped within the pulse has not begun: RESET is low.
func TestStoppedInThePulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.start(gpio.ActEnterDFU)
		r.signalAt(-time.Millisecond, syscall.SIGSTOP)
		r.signalAt(8*time.Second, syscall.SIGCONT)
		sleepTo(9 * time.Second)
		results, err := r.runner().CleanUp(t.Context(), r.bay)
		if err != nil || results[0].Outcome != gpio.CutShort || results[0].SinceRise != time.Second {
			t.Errorf("got %+v, %v", results, err)
		}
		r.check()
	})
}

// P2: in the window SETUP rises while RESET is low, not after it.
func TestOrderInTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.start(gpio.ActEnterDFU)
		r.signalAt(time.Second, syscall.SIGSTOP)
		r.signalAt(8*time.Second, syscall.SIGCONT)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		const woken = 8*time.Second + gpio.ResetPulse
		want := []gpiotest.Event{
			{At: woken, Line: gpiotest.Reset, Asserted: true},
			{At: woken, Line: gpiotest.Setup},
			{At: woken + gpio.ResetPulse, Line: gpiotest.Reset},
		}
		if got := shape(r.bench.Timeline()); len(got) != 6 || !slices.Equal(got[3:], want) {
			t.Errorf("got %v, want it to end in %v", got, want)
		}
		r.check()
	})
}

// slowPin stops its process just before it lets a FET's line go.
type slowPin struct {
	gpio.Pin
	wait time.Duration
}

func (p slowPin) Low() error {
	time.Sleep(p.wait)
	return p.Pin.Low()
}

// P2: nobody can be in time who is stopped between the look at the clock and
// the release. But then the ending says what has to be feared.
func TestStoppedAtTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		self := r.bench.NewProcess()
		lines := gpio.LinesOf(r.bay, self.Open)
		lines.Setup = gpio.NewLine(gpio.FET, func() (gpio.Pin, error) {
			pin, err := self.Open(r.bay.Chip, r.bay.Setup)
			return slowPin{Pin: pin, wait: 4 * time.Second}, err
		})
		c := &gpio.Child{Lines: lines, Store: r.store, Clock: r.clock, Self: gpio.ProcessID{PID: 7}}
		_, ending, err := c.EnterDFU()
		if err != nil || ending.Outcome != gpio.TooLate {
			t.Errorf("got %+v, %v", ending, err)
		}
	})
}

// P2: if RESET cannot be asserted in the window, SETUP is let go all the same
// and the station fears the worst.
func TestBrokenResetInTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.bench.KeepDriven()
		r.start(gpio.ActEnterDFU)
		r.signalAt(time.Second, syscall.SIGKILL)
		sleepTo(8 * time.Second)
		r.bench.Break(gpiotest.Reset, errors.New("input/output error"))
		results, err := r.runner().CleanUp(t.Context(), r.bay)
		if !errors.Is(err, gpio.ErrLines) || results[0].Outcome != gpio.TooLate {
			t.Errorf("got %+v, %v", results, err)
		}
		events := r.bench.Timeline()
		if last := events[len(events)-1]; last.Line != gpiotest.Setup || last.Asserted {
			t.Errorf("SETUP is still held: %v", events)
		}
	})
}

// P2: if SETUP cannot be let go, RESET does not rise under it.
func TestBrokenSetupInTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		r.start(gpio.ActEnterDFU)
		r.signalAt(time.Second, syscall.SIGSTOP)
		sleepTo(8 * time.Second)
		r.bench.Break(gpiotest.Setup, errors.New("input/output error"))
		results, err := r.runner().CleanUp(t.Context(), r.bay)
		if !errors.Is(err, gpio.ErrLines) || results[0].Outcome != gpio.TooLate {
			t.Errorf("got %+v, %v", results, err)
		}
		r.check() // closing the lines let go of both, SETUP first
	})
}
