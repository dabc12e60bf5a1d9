package simgpio

import (
	"fmt"
	"strconv"
	"strings"
)

// Levels says which lines of a board are low.
type Levels struct{ ResetLow, SetupLow bool }

// Source is the two pins that a board's lines hang on.
type Source struct {
	// Label is that of the chip.
	Label string
	// Reset and Setup are the offsets of the pins on the chip, from 0.
	Reset, Setup int
}

// UnmarshalText reads LABEL:RESET:SETUP, such as pinctrl-bcm2711:17:27.
func (s *Source) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), ":")
	if len(parts) != 3 || parts[0] == "" {
		return fmt.Errorf("%q is not LABEL:RESET:SETUP, such as pinctrl-bcm2711:17:27", text)
	}
	reset, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil {
		return fmt.Errorf("%q has no offset of RESET: %w", text, err)
	}
	setup, err := strconv.ParseUint(parts[2], 10, 16)
	if err != nil {
		return fmt.Errorf("%q has no offset of SETUP: %w", text, err)
	}
	*s = Source{parts[0], int(reset), int(setup)}
	return nil
}
