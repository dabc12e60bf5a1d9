package gpio

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

const (
	// lastKill is the time since RESET's rise up to which a child is killed:
	// a killed child lets SETUP go, and that must be before SafeRelease.
	lastKill = 5800 * time.Millisecond
	// killMargin is how long after its hold a child has to end by itself.
	killMargin = 250 * time.Millisecond
	// startTimeout is how long a child may take to write its marker: it locks
	// its memory first, which may read all of the program from a slow disk.
	startTimeout = 10 * time.Second
	// endTimeout is how long a child without a hold on SETUP may take.
	endTimeout = time.Second
	// wakeGrace is how long after LastReset a child may still be ending the
	// gesture that it was woken for.
	wakeGrace = 100 * time.Millisecond
	// killTimeout is how long the kernel may take to end a killed child.
	killTimeout = 5 * time.Second
	// pollInterval is how often a child and its marker are looked at.
	pollInterval = 20 * time.Millisecond
)

// nudge is what a supervisor does to a child.
type nudge int

const (
	wait nudge = iota
	// wake continues a stopped child, so that it follows the rule itself.
	wake
	// kill ends a child; the kernel then lets its lines go.
	kill
)

// nudgeFor decides by the marker, which is nil as long as there is none, what
// to do now to a child that was first seen at since.
//
// A child that holds SETUP is never killed between lastKill and LastReset: its
// death would let SETUP go where that starts a factory reset. The child itself
// can assert RESET first.
func nudgeFor(m *Marker, since, now time.Duration) nudge {
	switch {
	case m == nil:
		return killAfter(startTimeout, now-since)
	case m.Phase == PhaseOver:
		return killAfter(endTimeout, now-m.Ending.At)
	case m.Act == ActReset:
		return killAfter(endTimeout, now-m.Rose)
	}
	shortest, longest := m.age(now)
	switch {
	case longest <= min(m.Hold+killMargin, lastKill-2*pollInterval):
		return wait
	case longest <= lastKill:
		return kill
	case shortest <= LastReset+wakeGrace:
		return wake
	}
	return kill
}

func killAfter(limit, age time.Duration) nudge {
	if age > limit {
		return kill
	}
	return wait
}

// supervise waits until the child has ended and sees to it that it does. It
// returns the last time at which the child was seen alive, 0 if never. With an
// error the child may still hold the lines.
func (r *Runner) supervise(ctx context.Context, child process, store MarkerStore) (time.Duration, error) {
	since := r.clock.Monotonic()
	var seenAlive, killed time.Duration
	for {
		m, _ := load(store, r.clock)
		now := r.clock.Monotonic() // last: this process may be stopped anywhere
		switch {
		case child.ended():
			return seenAlive, nil
		case ctx.Err() != nil:
			return seenAlive, fmt.Errorf("wait for the gesture to end: %w", ctx.Err())
		case killed == 0:
			killed = r.apply(nudgeFor(m, since, now), child, now)
		case now-killed > killTimeout:
			return seenAlive, fmt.Errorf("%w: a killed child does not end", ErrLinesBusy)
		}
		seenAlive = now
		time.Sleep(pollInterval)
	}
}

// apply returns now if the child was killed, else 0.
func (r *Runner) apply(n nudge, child process, now time.Duration) time.Duration {
	send := map[nudge]syscall.Signal{wake: syscall.SIGCONT, kill: syscall.SIGKILL}
	sig, ok := send[n]
	if !ok {
		return 0
	}
	if err := child.signal(sig); err != nil {
		r.log.Error("cannot signal the gesture's process", "signal", sig, "error", err)
	}
	if n != kill {
		return 0
	}
	r.log.Warn("the gesture's process did not end in time and was killed")
	return now
}
