package gpio

import (
	"fmt"
	"time"
)

// Outcome is how a gesture ended.
type Outcome string

const (
	// Idle: there was no gesture; the lines were only let go.
	Idle Outcome = "idle"
	// Completed: the gesture ran to its end. For DFU mode that means that
	// SETUP was held long enough and let go in time.
	Completed Outcome = "completed"
	// CutShort: SETUP was let go too early for DFU mode.
	CutShort Outcome = "cut-short"
	// ResetInWindow: SETUP was held too long, but RESET came before the
	// bootloader acted: the board restarted normally.
	ResetInWindow Outcome = "reset-in-window"
	// TooLate: the board may have made a factory reset.
	TooLate Outcome = "too-late"
)

// Result is what a gesture, or the release of a bay's lines, did.
type Result struct {
	// Bay is the bay's name.
	Bay string `json:"bay"`
	// Outcome is how it ended.
	Outcome Outcome `json:"outcome"`
	// SinceRise is the time since RESET last rose or may have risen, as of
	// when the result was returned, 0 or more. The caller owes the board the
	// rest of 60 s before the next RESET, unless it has shown itself on USB.
	SinceRise time.Duration `json:"since_rise"`
	// QuietFor is how long the lines must not be touched at all, as of when
	// the result was returned: up to QuietTime for TooLate, else 0.
	QuietFor time.Duration `json:"quiet_for"`
	// SafeMode says that the board is or may be in safe mode. One clean RESET
	// pulse, after the 60 s, brings it out.
	SafeMode bool `json:"safe_mode"`
	// Warning says in words what did not go as planned, or is empty.
	Warning string `json:"warning,omitempty"`
}

// Err returns nil for Idle and Completed, else [ErrGestureFailed] or
// [ErrFactoryResetPossible], with the warning.
func (r Result) Err() error {
	var err error
	switch r.Outcome {
	case Idle, Completed:
		return nil
	case TooLate:
		err = ErrFactoryResetPossible
	default:
		err = ErrGestureFailed
	}
	return fmt.Errorf("bay %s: %w: %s (%s)", r.Bay, err, r.Warning, r.Outcome)
}
