package gpio

import (
	"errors"
	"fmt"
	"regexp"
)

// Bay says where the lines of one bay are.
type Bay struct {
	// Name is the bay's name, [A-Za-z0-9._-]{1,64}. The marker's file is
	// named after it.
	Name string `json:"name"`
	// Chip is the label of the GPIO chip, for instance pinctrl-bcm2711.
	Chip string `json:"chip"`
	// Reset and Setup are line names on that chip, for instance GPIO17.
	Reset string `json:"reset"`
	Setup string `json:"setup"`
	// Wiring is that of both lines.
	Wiring Wiring `json:"wiring"`
}

// bayNames also keeps a name from leading out of the runtime folder.
var bayNames = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Check returns what is wrong with the bay's settings, or nil.
func (b Bay) Check() error {
	if !bayNames.MatchString(b.Name) {
		return fmt.Errorf("bay name %q does not match %s", b.Name, bayNames)
	}
	if b.Reset == "" || b.Setup == "" || b.Reset == b.Setup {
		return fmt.Errorf("bay %s: reset %q and setup %q must be two lines", b.Name, b.Reset, b.Setup)
	}
	_, err := ParseWiring(string(b.Wiring))
	if err == nil {
		err = errors.Join(CheckWiring(b.Reset, b.Wiring), CheckWiring(b.Setup, b.Wiring))
	}
	if err != nil {
		return fmt.Errorf("bay %s: %w", b.Name, err)
	}
	return nil
}

// lines returns the bay's lines, not yet claimed.
func (b Bay) lines(open OpenPin) Lines {
	line := func(name string) *Line {
		return NewLine(b.Wiring, func() (Pin, error) { return open(b.Chip, name) })
	}
	return Lines{Reset: line(b.Reset), Setup: line(b.Setup)}
}
