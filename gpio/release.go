package gpio

import (
	"errors"
	"fmt"
	"time"
)

// rule is what may be done with the lines of a bay.
type rule int

const (
	// releaseBoth: nothing is known of a gesture. RESET is never pulsed.
	releaseBoth rule = iota
	// releaseSetup: SETUP may be let go as it is.
	releaseSetup
	// resetFirst: letting SETUP go now would start a factory reset, so the
	// bootloader is stopped by RESET before.
	resetFirst
	// leaveReset: the bootloader may be at work already. RESET would cut the
	// factory reset in half.
	leaveReset
)

// ruleFor is the one rule, by the time since RESET rose. Where that is known
// only within limits, RESET is used as long as it may help.
func ruleFor(m *Marker, now time.Duration) rule {
	if m == nil || m.Act == ActReset {
		return releaseBoth
	}
	shortest, longest := m.age(now)
	switch {
	case longest <= SafeRelease:
		return releaseSetup
	case shortest <= LastReset:
		return resetFirst
	}
	return leaveReset
}

// Release lets the lines go by the one rule and returns how the gesture that m
// stands for has ended. m is nil if there is no marker of this boot.
// heldUntil is the last time at which SETUP is known to have been held, 0 if
// that is not known. The lines are not closed.
//
// Whatever fails, both lines are tried. The error is [ErrLinesBusy] or
// [ErrLines]; the ending then says what has to be feared.
func Release(lines Lines, m *Marker, heldUntil time.Duration, clock Clock) (Ending, error) {
	switch ruleFor(m, clock.Monotonic()) {
	case releaseSetup:
		return releaseInTime(lines, m, heldUntil, clock)
	case resetFirst:
		return releaseUnderReset(lines, m, clock)
	case leaveReset:
		err := lines.Setup.Release()
		return tooLate(m, clock.Monotonic()), err
	}
	err := errors.Join(lines.Setup.Release(), lines.Reset.Release())
	now := clock.Monotonic()
	return Ending{Outcome: Idle, At: now, Rose: now}, err
}

// releaseInTime lets SETUP go within SafeRelease.
func releaseInTime(lines Lines, m *Marker, heldUntil time.Duration, clock Clock) (Ending, error) {
	err := lines.Setup.Release()
	now := clock.Monotonic()
	err = errors.Join(err, lines.Reset.Release())
	// This process may itself have been stopped just before the release.
	if _, longest := m.age(now); longest > SafeRelease {
		return tooLate(m, now), err
	}
	return endingInTime(m, heldUntil, now), err
}

// endingInTime says what a SETUP that was let go between heldUntil and now
// means for the board.
func endingInTime(m *Marker, heldUntil, now time.Duration) Ending {
	held, longest := heldUntil-m.Rose, now-m.Rose
	if m.Phase == PhaseRisen && held >= MinHold {
		return Ending{Outcome: Completed, At: now, Rose: m.Rose, Warning: lateWarning(longest, m.Hold)}
	}
	e := Ending{Outcome: CutShort, At: now, Rose: m.Rose, SafeMode: longest >= safeModeFrom}
	if m.Phase == PhasePlanned {
		e.Rose = now // RESET may have stayed low until now
	}
	e.Warning = fmt.Sprintf("SETUP was let go %v to %v after RESET rose", roughly(max(0, held)), roughly(longest))
	return e
}

// lateWarning remarks on a hold that was longer than asked, or says nothing.
func lateWarning(held, asked time.Duration) string {
	if held-asked <= unremarkable {
		return ""
	}
	return fmt.Sprintf("SETUP was held for %v, not %v", roughly(held), asked)
}

// releaseUnderReset restarts the board with SETUP let go.
func releaseUnderReset(lines Lines, m *Marker, clock Clock) (Ending, error) {
	_, longest := m.age(clock.Monotonic())
	if err := lines.Reset.Assert(); err != nil {
		// SETUP still has to be let go: held on, it does the same harm.
		err = errors.Join(err, lines.Setup.Release())
		return tooLate(m, clock.Monotonic()), err
	}
	err := lines.Setup.Release()
	time.Sleep(ResetPulse)
	if err != nil {
		// RESET stays active: with SETUP active its rise would start the same
		// again. Closing the lines lets go of both, SETUP first.
		return tooLate(m, clock.Monotonic()), err
	}
	err = lines.Reset.Release()
	now := clock.Monotonic()
	return Ending{
		Outcome: ResetInWindow, At: now, Rose: now,
		Warning: fmt.Sprintf("SETUP was held for %v; RESET came before the bootloader acted", roughly(longest)),
	}, err
}

// tooLate is the ending of a gesture that nobody could end in time.
func tooLate(m *Marker, now time.Duration) Ending {
	_, longest := m.age(now)
	return Ending{
		Outcome: TooLate, At: now, Rose: m.Rose,
		Warning: fmt.Sprintf("SETUP was let go up to %v after RESET rose", roughly(longest)),
	}
}

// unremarkable is how much longer than asked SETUP may be held without a word.
const unremarkable = 250 * time.Millisecond

func roughly(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
