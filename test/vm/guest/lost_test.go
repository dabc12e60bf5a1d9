//go:build guest

package guest

import (
	"syscall"
	"testing"
	"time"

	"duogateway/gpio"
	"duogateway/job"
)

// lostGesture is a station that is in the midst of two gestures, one of each
// wiring. SETUP is held as long as the settings allow.
type lostGesture struct {
	*station
	begun time.Duration
	bays  []*bay
	jobs  []string
	made  []gpio.Marker // by the gestures
}

func beginGesture(t *testing.T) *lostGesture {
	t.Helper()
	ports := usbPorts.take(t, 2)
	l := &lostGesture{bays: []*bay{
		newBay(t, "fet", ports[0], gpio.FET, quickBoard),
		newBay(t, "direct", ports[1], gpio.Direct, quickBoard),
	}}
	l.station = stationOf(t, gpio.MaxHold, l.bays...)
	l.begun = uptime()
	l.start()
	for _, b := range l.bays {
		l.jobs = append(l.jobs, l.submit(job.Backup, b.name))
	}
	for _, b := range l.bays {
		l.made = append(l.made, l.awaitRise(b.name))
	}
	return l
}

// signal sends a signal to the processes of both gestures, each at a time after
// its RESET rose.
func (l *lostGesture) signal(s syscall.Signal, after time.Duration) {
	l.t.Helper()
	for i, m := range l.made {
		until(m.Rose + after)
		if l.gesture(l.bays[i].name) == nil {
			l.t.Fatalf("the gesture in bay %s is over %v after RESET rose", l.bays[i].name, uptime()-m.Rose)
		}
		must(l.t, syscall.Kill(m.Process.PID, s))
	}
}

// orphan kills gatewayd and stops the processes of both gestures, which its
// death has woken.
func (l *lostGesture) orphan() {
	l.t.Helper()
	l.kill()
	l.signal(syscall.SIGSTOP, 0)
}

// awaitGestures waits until both gestures are over.
func (l *lostGesture) awaitGestures() {
	l.t.Helper()
	for _, b := range l.bays {
		await(l.t, 20*time.Second, "the end of the gesture in bay "+b.name, func() bool { return l.gesture(b.name) == nil })
	}
}

// check sees the jobs to their end, and holds the lines and the boards against
// what must never happen. // P2
func (l *lostGesture) check() {
	l.t.Helper()
	for i, b := range l.bays {
		l.wait(l.jobs[i])
		moves := b.moves(l.begun)
		l.t.Logf("bay %s:%s", b.name, timeline(moves))
		checkLines(l.t, moves)
		if hold := held(moves); hold > gpio.LastReset {
			l.t.Logf("this machine was late: SETUP was held for %v", hold)
			l.checkTold(b, l.jobs[i])
			continue
		}
		l.waitPass(l.jobs[i])
		if n := b.board.Counters(); n.FactoryResets != 0 || n.WiFiWipes != 0 {
			l.t.Errorf("bay %s: %d factory resets, %d Wi-Fi wipes", b.name, n.FactoryResets, n.WiFiWipes)
		}
	}
}

// checkAllTold sees the jobs to an end that tells of a factory reset. // P2
func (l *lostGesture) checkAllTold() {
	l.t.Helper()
	for i, b := range l.bays {
		l.checkTold(b, l.jobs[i])
		l.t.Logf("bay %s:%s", b.name, timeline(b.moves(l.begun)))
	}
}

// checkTold sees a job to an end that tells of a factory reset, and that the
// board is left alone then. // P2
func (l *lostGesture) checkTold(b *bay, id string) {
	l.t.Helper()
	if j := l.wait(id); j.Fault == nil || j.Fault.Code != job.ResetPossible {
		l.t.Errorf("bay %s: the job is %s, fault %+v, want %s", b.name, j.State, j.Fault, job.ResetPossible)
	}
	before := len(b.moves(l.begun))
	if j := l.wait(l.submit(job.Backup, b.name)); j.Fault == nil || j.Fault.Code != job.ResetPossible {
		l.t.Errorf("bay %s: the next job is %s, fault %+v, want %s", b.name, j.State, j.Fault, job.ResetPossible)
	}
	if moves := b.moves(l.begun); len(moves) != before {
		l.t.Errorf("bay %s: the lines were moved within a minute:%s", b.name, timeline(moves))
	}
	if n := b.board.Counters(); n.FactoryResets != 1 {
		l.t.Errorf("bay %s: %d factory resets: this test does not show what it is to show", b.name, n.FactoryResets)
	}
}

// The process of a gesture is killed, or stopped for good, while gatewayd
// watches. // P2
func TestGestureProcessLost(t *testing.T) {
	long(t)
	for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		t.Run(how.String(), func(t *testing.T) {
			t.Parallel()
			l := beginGesture(t)
			for i, m := range l.made {
				until(m.Rose + 5*time.Second)
				if l.gesture(l.bays[i].name) == nil {
					t.Logf("too late: the gesture in bay %s is over", l.bays[i].name)
					continue
				}
				must(t, syscall.Kill(m.Process.PID, how))
			}
			l.check()
		})
	}
}

// gatewayd is killed in the midst of a gesture. Its process goes on alone.
// // P2, P3
func TestGestureAlone(t *testing.T) {
	t.Parallel()
	long(t)
	l := beginGesture(t)
	l.kill()
	l.awaitGestures()
	for _, b := range l.bays {
		if got := shape(b.moves(l.begun)); got != "S-R-R+S+" {
			t.Errorf("bay %s: %s is not one whole gesture", b.name, got)
		}
	}
	l.start()
	l.check()
}

// gatewayd is killed, and the process of the gesture stands still for a time.
// It wakes by itself, and before gatewayd is back. // P2
func TestGestureAsleep(t *testing.T) {
	long(t)
	for _, after := range []time.Duration{5 * time.Second, 7 * time.Second, 11 * time.Second, 13 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			l := beginGesture(t)
			l.orphan()
			l.signal(syscall.SIGCONT, after)
			l.awaitGestures()
			l.start()
			if after > gpio.LastReset {
				l.checkAllTold()
				return
			}
			l.check()
		})
	}
}

// gatewayd is killed, the process of the gesture stands still, and a new
// gatewayd finds it so. // P2
func TestGestureFoundAsleep(t *testing.T) {
	long(t)
	for _, after := range []time.Duration{7 * time.Second, 13 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			l := beginGesture(t)
			l.orphan()
			until(l.made[1].Rose + after)
			l.start()
			if after > gpio.LastReset {
				l.checkAllTold()
				return
			}
			l.check()
		})
	}
}

// gatewayd and the process of the gesture are both killed: the kernel lets the
// lines go. // P2
func TestGestureKilledAlone(t *testing.T) {
	long(t)
	for _, after := range []time.Duration{2 * time.Second, 8 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			l := beginGesture(t)
			l.orphan()
			l.signal(syscall.SIGKILL, after)
			l.start()
			if after > gpio.SafeRelease {
				// Nobody could help: the station has to say so.
				l.checkAllTold()
				return
			}
			l.check()
		})
	}
}

// gatewayd is told to stop in the midst of a gesture. // P2, P3
func TestGestureWhileStopping(t *testing.T) {
	t.Parallel()
	long(t)
	l := beginGesture(t)
	l.stop()
	for _, b := range l.bays {
		if got := shape(b.moves(l.begun)); got != "S-R-R+S+" {
			t.Errorf("bay %s: %s is not one whole gesture", b.name, got)
		}
	}
	l.start()
	l.check()
}
