package gpio_test

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

// blow is something that happens to the processes of a gesture.
type blow struct {
	at     time.Duration
	target string // child or daemon
	signal syscall.Signal
}

func (b blow) String() string { return fmt.Sprintf("%v %s %v", b.at, b.target, b.signal) }

// P2: whatever stops, wakes and dies, and whenever a daemon comes back, the
// board never sees what it must not, and at the end all lines are let go. Only
// a child that a stranger kills after 6 s is left out: nothing of ours can
// help there.
func TestNoHarmWhateverDies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		blows := rapid.SliceOfN(rapid.Custom(drawBlow), 0, 8).Draw(rt, "blows")
		restart := drawTime(rt, "restart", 25*time.Second)
		delay := time.Duration(rapid.IntRange(0, 5).Draw(rt, "delay")) * time.Millisecond
		var problem error
		synctest.Test(t, func(t *testing.T) { problem = survive(t, blows, restart, delay) })
		if problem != nil {
			rt.Fatal(problem)
		}
	})
}

func drawTime(rt *rapid.T, label string, most time.Duration) time.Duration {
	return time.Duration(rapid.IntRange(-20, int(most/time.Millisecond)).Draw(rt, label)) * time.Millisecond
}

func drawBlow(rt *rapid.T) blow {
	b := blow{
		at:     drawTime(rt, "at", 15*time.Second),
		target: rapid.SampledFrom([]string{"child", "daemon"}).Draw(rt, "target"),
		signal: rapid.SampledFrom([]syscall.Signal{syscall.SIGSTOP, syscall.SIGSTOP, syscall.SIGCONT, syscall.SIGKILL}).Draw(rt, "signal"),
	}
	if b.target == "child" && b.signal == syscall.SIGKILL && b.at > gpio.SafeRelease {
		b.signal = syscall.SIGCONT
	}
	return b
}

// survive lets the blows fall on a gesture, in which every call to a pin takes
// delay. At restart the daemon is killed and a new one cleans up.
func survive(t *testing.T, blows []blow, restart, delay time.Duration) error {
	r := newRig(t, testBay)
	r.bench.Delay(delay)
	daemon := r.bench.NewProcess()
	runner := r.runnerIn(daemon)
	daemon.Run(func() { _, _ = runner.EnterDFU(t.Context(), r.bay) })
	synctest.Wait()
	first := r.last()
	for _, b := range blows {
		target := first.Process
		if b.target == "daemon" {
			target = daemon
		}
		time.AfterFunc(gpio.ResetPulse+b.at, func() { _ = target.Signal(b.signal) })
	}
	sleepTo(restart)
	_ = daemon.Signal(syscall.SIGKILL)
	if _, err := r.runner().CleanUp(t.Context(), r.bay); err != nil {
		return err
	}
	if err := gpiotest.CheckTimeline(r.bench.Timeline()); err != nil {
		return err
	}
	time.Sleep(30 * time.Second)
	return gpiotest.CheckTimeline(r.bench.Timeline())
}
