package gpio

import (
	"fmt"
	"time"
)

// The bootloader counts how long SETUP is held from its start: from 1.0 s it
// will enter safe mode, from 3.0 s DFU mode, above 6.5 s it will make a factory
// reset, and at 12.0 s it stops counting and acts. Before that it acts only
// when SETUP is let go. Source: redbear/firmware bootloader/src/main.c, read
// against the binary of bootloader r6 at 0x08000630 to 0x0800070A.
const (
	// DefaultHold is how long SETUP is held after RESET's rise.
	DefaultHold = 3400 * time.Millisecond
	// MinHold and MaxHold limit the setting.
	MinHold = 3100 * time.Millisecond
	MaxHold = 5500 * time.Millisecond

	// ResetPulse is how long RESET is held low. 10 ms are enough for the
	// 100 nF at the board's RESET (RedBear Duo schematic 1.0, R13 and C13).
	ResetPulse = 20 * time.Millisecond

	// SafeRelease is the time since RESET's rise up to which SETUP may be let
	// go: half a second below the bootloader's 6.5 s.
	SafeRelease = 6000 * time.Millisecond
	// LastReset is the time since RESET's rise up to which a RESET still comes
	// before the bootloader acts: half a second below its 12.0 s.
	LastReset = 11500 * time.Millisecond

	// factoryResetFrom is the time since RESET's rise from which on a SETUP that
	// is let go makes the bootloader begin a factory reset. It counts a little
	// later.
	factoryResetFrom = 6500 * time.Millisecond

	// QuietTime is how long a board that may be restoring its factory state
	// is left alone.
	QuietTime = 60 * time.Second

	// safeModeFrom is when a released SETUP begins to mean safe mode, with
	// 0.1 s for what the start of the bootloader takes.
	safeModeFrom = 900 * time.Millisecond

	// planSlack is how much later than planned RESET may rise. A child that is
	// later gives the gesture up while RESET is still low.
	planSlack = 250 * time.Millisecond
)

// Gesture is the settings of a gesture.
type Gesture struct {
	// Hold is how long SETUP is held after RESET's rise, MinHold to MaxHold;
	// 0 means DefaultHold.
	Hold time.Duration
}

// Check returns what is wrong with the settings, or nil.
func (g Gesture) Check() error {
	if hold := g.hold(); hold < MinHold || hold > MaxHold {
		return fmt.Errorf("SETUP held %v is outside %v to %v", hold, MinHold, MaxHold)
	}
	return nil
}

func (g Gesture) hold() time.Duration {
	if g.Hold == 0 {
		return DefaultHold
	}
	return g.Hold
}
