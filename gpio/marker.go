package gpio

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Phase is how far the process behind a marker has come.
type Phase string

const (
	// PhasePlanned: SETUP may be active, RESET may be low or may have risen.
	PhasePlanned Phase = "planned"
	// PhaseRisen: RESET has risen, SETUP may be active.
	PhaseRisen Phase = "risen"
	// PhaseOver: both lines are let go, and the ending waits to be told.
	PhaseOver Phase = "over"
)

// Act is what a child process does.
type Act string

const (
	// ActEnterDFU is the gesture on both lines.
	ActEnterDFU Act = "enter-dfu"
	// ActReset is a pulse on RESET; SETUP is not touched.
	ActReset Act = "reset"
)

// Marker is what a process that drives the lines of a bay leaves for whoever
// must let them go in its place. Times are on CLOCK_MONOTONIC of boot Boot.
type Marker struct {
	Boot string `json:"boot"`
	// Process is who drives the lines.
	Process ProcessID `json:"process"`
	// Act and Phase say what it is doing.
	Act   Act   `json:"act"`
	Phase Phase `json:"phase"`
	// Hold is how long SETUP is to be held after the rise.
	Hold time.Duration `json:"hold"`
	// Rose is when RESET rose. In PhasePlanned it is the earliest
	// time at which it may have; it rises at most a quarter of a second later.
	Rose time.Duration `json:"rose"`
	// Ending is there in PhaseOver alone.
	Ending *Ending `json:"ending,omitempty"`
}

// Ending is how a gesture ended, in the words of [Result].
type Ending struct {
	Outcome Outcome `json:"outcome"`
	// At is when the lines were let go, Rose when RESET last rose.
	At       time.Duration `json:"at"`
	Rose     time.Duration `json:"rose"`
	SafeMode bool          `json:"safe_mode"`
	Warning  string        `json:"warning,omitempty"`
	// Told: the ending was acknowledged; only QuietTime is still kept.
	Told bool `json:"told,omitempty"`
}

// result says the ending as of now.
func (e Ending) result(bay string, now time.Duration) Result {
	r := Result{Bay: bay, Outcome: e.Outcome, SafeMode: e.SafeMode, Warning: e.Warning}
	r.SinceRise = max(0, now-e.Rose)
	r.QuietFor = e.quietFor(now)
	return r
}

// quietFor is how long the lines must still be left alone.
func (e Ending) quietFor(now time.Duration) time.Duration {
	if e.Outcome != TooLate {
		return 0
	}
	return min(max(0, e.At+QuietTime-now), QuietTime)
}

// age returns the shortest and the longest time for which RESET may be up.
func (m Marker) age(now time.Duration) (shortest, longest time.Duration) {
	longest = now - m.Rose
	return longest - m.slack(), longest
}

// mayHaveReset says whether a SETUP that was let go at some time up to then may
// have made the board begin a factory reset.
func (m Marker) mayHaveReset(then time.Duration) bool {
	_, longest := m.age(then)
	return longest > factoryResetFrom
}

// slack is how much later than Rose RESET may have risen.
func (m Marker) slack() time.Duration {
	if m.Phase == PhasePlanned {
		return planSlack
	}
	return 0
}

// ParseMarker returns the marker in data, or what is wrong with it.
func ParseMarker(data []byte) (Marker, error) {
	var m Marker
	if err := json.Unmarshal(data, &m); err != nil {
		return Marker{}, fmt.Errorf("parse the marker: %w", err)
	}
	if err := m.check(); err != nil {
		return Marker{}, fmt.Errorf("parse the marker: %w", err)
	}
	return m, nil
}

func (m Marker) check() error {
	switch {
	case m.Boot == "":
		return errors.New("no boot id")
	case m.Process.PID < 2:
		return fmt.Errorf("process %d is not ours", m.Process.PID)
	case m.Act != ActEnterDFU && m.Act != ActReset:
		return fmt.Errorf("unknown act %q", m.Act)
	case m.Phase != PhasePlanned && m.Phase != PhaseRisen && m.Phase != PhaseOver:
		return fmt.Errorf("unknown phase %q", m.Phase)
	case (m.Phase == PhaseOver) != (m.Ending != nil):
		return fmt.Errorf("phase %q and ending do not fit", m.Phase)
	case m.Act == ActEnterDFU && (m.Hold < MinHold || m.Hold > MaxHold):
		return fmt.Errorf("hold %v is out of range", m.Hold)
	case m.Rose < 0 || m.Rose > farFuture:
		return fmt.Errorf("rise at %v is out of range", m.Rose)
	}
	return m.Ending.check()
}

func (e *Ending) check() error {
	if e == nil {
		return nil
	}
	switch e.Outcome {
	case Completed, CutShort, ResetInWindow, TooLate:
	default:
		return fmt.Errorf("unknown outcome %q", e.Outcome)
	}
	if e.At < 0 || e.At > farFuture || e.Rose < 0 || e.Rose > farFuture {
		return fmt.Errorf("ending at %v, rise at %v is out of range", e.At, e.Rose)
	}
	return nil
}

// farFuture keeps sums of times from overflowing: no boot lasts a century.
const farFuture = 100 * 365 * 24 * time.Hour
