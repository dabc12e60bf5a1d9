package gpiotest

import (
	"fmt"
	"time"
)

// Line is one of the two lines of a board.
type Line string

const (
	Reset Line = "RESET"
	Setup Line = "SETUP"
)

// Event is a change of a line as the board sees it.
type Event struct {
	At time.Duration
	// Line went active (low at the board), or was let go.
	Line     Line
	Asserted bool
	// Died says that it was let go because its process was gone.
	Died bool
}

// String returns for instance "3.42s SETUP released".
func (e Event) String() string {
	change := "released"
	if e.Asserted {
		change = "asserted"
	}
	if e.Died {
		change += " by death"
	}
	return fmt.Sprintf("%v %s %s", e.At, e.Line, change)
}

// What a board stands, from the count of its bootloader (redbear/firmware
// bootloader/src/main.c: above 6.5 s a released SETUP is a factory reset, at
// 12.0 s it happens by itself), half a second inside.
const (
	minPulse    = 10 * time.Millisecond
	windowFrom  = 6000 * time.Millisecond
	windowUntil = 11500 * time.Millisecond
	quietTime   = 60 * time.Second
)

// CheckTimeline returns the first thing in a record that a board must never
// see, or nil:
//   - SETUP rises with RESET high 6.0 to 11.5 s after RESET rose;
//   - a RESET pulse shorter than 10 ms, unless a death ended it;
//   - SETUP goes active while RESET is low, or does with RESET high without
//     RESET going low next;
//   - any line goes active within 60 s after SETUP rose later than 11.5 s;
//   - a line is still active at the end.
func CheckTimeline(events []Event) error {
	var seen board
	for i, event := range events {
		if err := seen.change(event); err != nil {
			return fmt.Errorf("event %d, %v: %w, in %v", i, event, err, events)
		}
	}
	if seen.resetLow || seen.setupLow {
		return fmt.Errorf("a line is still active at the end of %v", events)
	}
	return nil
}

// board is what a board remembers of its lines.
type board struct {
	resetLow, setupLow bool
	fell, rose         time.Duration
	everRose           bool
	armed              bool // SETUP went active and RESET has not followed
	quietUntil         time.Duration
}

func (b *board) change(e Event) error {
	if e.Asserted && e.At < b.quietUntil {
		return fmt.Errorf("nothing may go active until %v", b.quietUntil)
	}
	switch {
	case e.Line == Reset && e.Asserted:
		b.resetLow, b.fell, b.armed = true, e.At, false
	case e.Line == Reset:
		b.resetLow, b.rose, b.everRose = false, e.At, true
		if width := e.At - b.fell; width < minPulse && !e.Died {
			return fmt.Errorf("RESET was low for %v only", width)
		}
	case e.Asserted:
		if b.resetLow {
			return fmt.Errorf("SETUP goes active with RESET low")
		}
		b.setupLow, b.armed = true, true
	default:
		b.setupLow = false
		return b.setupRose(e)
	}
	return nil
}

// setupRose judges the moment at which the bootloader acts.
func (b *board) setupRose(e Event) error {
	held := e.At - b.rose
	neverReset := b.armed && !e.Died
	switch {
	case b.resetLow:
		return nil
	case neverReset:
		return fmt.Errorf("SETUP was active without a RESET")
	case !b.everRose || held <= windowFrom:
		return nil
	case held <= windowUntil:
		return fmt.Errorf("SETUP rises %v after RESET rose", held)
	}
	b.quietUntil = e.At + quietTime
	return nil
}
