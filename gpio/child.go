package gpio

import (
	"errors"
	"fmt"
	"time"
)

// Child makes one gesture on lines that it claims itself. It leaves the lines
// open and, with an ending, its marker in place: [Conclude] comes after the
// ending was told.
type Child struct {
	Lines   Lines
	Store   MarkerStore
	Clock   Clock
	Gesture Gesture
	// Self names this process in the marker.
	Self ProcessID
}

// EnterDFU holds SETUP over a RESET pulse and for Gesture.Hold after it, and
// returns how that ended and the marker it wrote. With [ErrLinesBusy] nothing
// was driven and no marker written. An error without an ending means that the
// lines could not be let go for sure: the marker must stay.
func (c *Child) EnterDFU() (Marker, Ending, error) {
	if err := errors.Join(c.Lines.Reset.Open(), c.Lines.Setup.Open()); err != nil {
		return Marker{}, Ending{}, err
	}
	m, err := c.pulseWithSetup()
	if err != nil {
		ending, releaseErr := c.giveUp(m, err)
		return m, ending, errors.Join(err, releaseErr)
	}
	time.Sleep(m.Rose + m.Hold - c.Clock.Monotonic())
	// This process may have been stopped meanwhile: the rule knows.
	ending, err := Release(c.Lines, &m, c.Clock.Monotonic(), c.Clock)
	if err != nil {
		return m, Ending{}, err
	}
	return m, ending, nil
}

// Reset pulses RESET and leaves SETUP alone. It returns what EnterDFU does.
func (c *Child) Reset() (Marker, Ending, error) {
	if err := c.Lines.Reset.Open(); err != nil {
		return Marker{}, Ending{}, err
	}
	m := c.marker(ActReset)
	if err := save(c.Store, m); err != nil {
		return m, Ending{}, err
	}
	err := c.Lines.Reset.Assert()
	if err == nil {
		time.Sleep(ResetPulse)
	}
	if err = errors.Join(err, c.Lines.Reset.Release()); err != nil {
		return m, Ending{}, err
	}
	now := c.Clock.Monotonic()
	return m, Ending{Outcome: Completed, At: now, Rose: now}, nil
}

// pulseWithSetup asserts SETUP and pulses RESET, and returns the marker with
// the time of RESET's rise. With an error in PhasePlanned RESET is low, or was
// never lowered.
func (c *Child) pulseWithSetup() (Marker, error) {
	m := c.marker(ActEnterDFU)
	if err := save(c.Store, m); err != nil {
		return m, err
	}
	if err := c.Lines.Setup.Assert(); err != nil {
		return m, err
	}
	if err := c.Lines.Reset.Assert(); err != nil {
		return m, err
	}
	time.Sleep(ResetPulse)

	// The time is taken before the call: a process that is stopped during a
	// call to the kernel stops when the call has done its work.
	now := c.Clock.Monotonic()
	if late := now - m.Rose; late > m.slack() {
		return m, fmt.Errorf("RESET would rise %v later than planned", roughly(late))
	}
	m.Phase, m.Rose = PhaseRisen, now
	if err := c.Lines.Reset.Release(); err != nil {
		return m, err
	}
	// If this fails, the plan that is stored is near enough for any reader.
	_ = save(c.Store, m)
	return m, nil
}

// giveUp lets the lines go after a failure. As long as RESET is low SETUP may
// be let go at any time; else the rule decides.
func (c *Child) giveUp(m Marker, cause error) (Ending, error) {
	known := &m
	if m.Phase == PhasePlanned {
		known = nil
	}
	ending, err := Release(c.Lines, known, 0, c.Clock)
	if err != nil {
		return Ending{}, err
	}
	if ending.Outcome == Idle {
		ending.Outcome, ending.Warning = CutShort, cause.Error()
	}
	return ending, nil
}

// marker returns this process's marker, with RESET planned to rise a pulse
// from now.
func (c *Child) marker(act Act) Marker {
	return Marker{
		Boot: c.Clock.Boot, Process: c.Self,
		Act: act, Phase: PhasePlanned,
		Hold: c.Gesture.hold(), Rose: c.Clock.Monotonic() + ResetPulse,
	}
}

// Conclude keeps of a marker what is still needed once the lines are let go
// and closed: nothing after a gesture that completed, else the ending, until
// [Runner.Acknowledge]. m is nil if there was no marker.
func Conclude(store MarkerStore, m *Marker, ending Ending) error {
	if m == nil || ending.Outcome == Completed || ending.Outcome == Idle {
		return store.Remove()
	}
	last := *m
	last.Phase, last.Ending = PhaseOver, &ending
	return save(store, last)
}
