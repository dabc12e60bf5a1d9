package crash_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/test/rig"
)

// lose starts a station, saves the board's key and then zeroes it.
func lose(t *testing.T, hold time.Duration) (*rig.Processes, *duo.PrivateKey) {
	t.Helper()
	p := rig.NewProcesses(t, hold)
	key := p.Commission()
	p.StartDaemon()
	if j := p.Do(job.Request{Kind: job.Backup}); j.Verdict != job.Pass {
		t.Fatalf("the backup is %s: %+v", j.State, j.Fault)
	}
	for range 2 { // both copies of the DCT
		if err := p.Bench.WriteDCT(rig.Bay, duo.PrivateKeyOffset, make([]byte, duo.PrivateKeyReserved)); err != nil {
			t.Fatal(err)
		}
	}
	return p, key
}

// checkRepaired runs another repair if the first one has ended with a fault
// that allows it, and looks at the board.
func checkRepaired(t *testing.T, p *rig.Processes, key *duo.PrivateKey, j job.Job) {
	t.Helper()
	if j.Verdict != job.Pass && j.Fault != nil && j.Fault.Retryable {
		t.Logf("the job has ended with %s: %s", j.Fault.Code, j.Fault.Message)
		j = p.Do(job.Request{Kind: job.Repair})
	}
	if j.Verdict != job.Pass {
		t.Errorf("the job is %s, verdict %s, fault %+v", j.State, j.Verdict, j.Fault)
	}
	state, err := p.Bench.Board(rig.Bay)
	if err != nil {
		t.Fatal(err)
	}
	if state.Fingerprint != key.Fingerprint() {
		t.Error("the right key is not on the board")
	}
}

func checkUnspoilt(t *testing.T, p *rig.Processes) {
	t.Helper()
	state, err := p.Bench.Board(rig.Bay)
	if err != nil {
		t.Fatal(err)
	}
	if n := state.Counters; n.FactoryResets != 0 || n.WiFiWipes != 0 {
		t.Errorf("%d factory resets, %d Wi-Fi wipes", n.FactoryResets, n.WiFiWipes)
	}
	if state.ResetLow || state.SetupLow {
		t.Error("a line is still low")
	}
}

// checkRule holds the lines against the one rule: SETUP never rises with RESET
// high between 6.0 and 11.5 s after RESET rose.
func checkRule(t *testing.T, p *rig.Processes) {
	t.Helper()
	events, err := p.Bench.Events(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var rose time.Time
	up := true
	for _, e := range events {
		switch {
		case e.What == "reset-line":
			up, rose = e.Detail == "high", e.At
		case e.What == "setup-line" && e.Detail == "high" && up && !rose.IsZero():
			if after := e.At.Sub(rose); after > gpio.SafeRelease && after < gpio.LastReset {
				t.Errorf("SETUP rose %v after RESET, with RESET high", after)
			}
		}
	}
}

// The daemon is killed at five moments of a repair and started again. // P3, P5
func TestRepairSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 1500, 3350, 3800, 4600} {
		after := after * time.Millisecond
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			p, key := lose(t, gpio.DefaultHold)
			id := p.Submit(job.Request{Kind: job.Repair})
			if after > 0 {
				time.Sleep(time.Until(p.AwaitRise().Add(after)))
			}
			p.KillDaemon()
			p.StartDaemon()
			checkRepaired(t, p, key, p.Wait(id))
			checkUnspoilt(t, p)
			checkRule(t, p)
		})
	}
}

// The process of the gesture is killed, or stopped for good, while the daemon
// watches. SETUP is held as long as the settings allow. // P2
func TestGestureProcessLost(t *testing.T) {
	t.Parallel()
	for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		for _, after := range []time.Duration{500, 2000, 4000, 7000, 11000, 13000} {
			after := after * time.Millisecond
			t.Run(fmt.Sprint(how, " ", after), func(t *testing.T) {
				t.Parallel()
				p, key := lose(t, gpio.MaxHold)
				id := p.Submit(job.Request{Kind: job.Repair})
				time.Sleep(time.Until(p.AwaitRise().Add(after)))
				signalGesture(t, p, how)
				checkRepaired(t, p, key, p.Wait(id))
				checkUnspoilt(t, p)
				checkRule(t, p)
			})
		}
	}
}

// The daemon is killed, the process of the gesture is stopped with SETUP held,
// and a new daemon comes only later. // P2
func TestGestureStoppedWithoutDaemon(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{2000, 4000, 7000, 11000, 13000} {
		after := after * time.Millisecond
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			p, key := lose(t, gpio.DefaultHold)
			id := p.Submit(job.Request{Kind: job.Repair})
			rose := p.AwaitRise()
			p.KillDaemon()
			time.Sleep(time.Until(rose.Add(500 * time.Millisecond)))
			signalGesture(t, p, syscall.SIGSTOP)
			time.Sleep(time.Until(rose.Add(after)))
			p.StartDaemon()
			j := p.Wait(id)
			checkRule(t, p)
			if after < gpio.LastReset {
				checkRepaired(t, p, key, j)
				checkUnspoilt(t, p)
				return
			}
			// Nobody was there in time: the station has to say so.
			if j.Fault == nil || j.Fault.Code != job.ResetPossible {
				t.Errorf("the job is %s, fault %+v, want %s", j.State, j.Fault, job.ResetPossible)
			}
		})
	}
}

// signalGesture does nothing when the gesture is over.
func signalGesture(t *testing.T, p *rig.Processes, s syscall.Signal) {
	t.Helper()
	process, ok := p.Gesture()
	if !ok {
		return
	}
	if err := process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}
