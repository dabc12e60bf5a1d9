package gpio

import "fmt"

// Wiring is how a pin is connected to the board's line. The board's lines are
// active low and pulled up on the board.
type Wiring string

const (
	// FET is an open-drain N-FET per line with its gate pulled down, so that
	// an unpowered Raspberry Pi cannot pull the line: a high pin asserts.
	FET Wiring = "fet"
	// Direct is a wire: a low pin asserts, and the pin is never driven high,
	// since the board's own button and processor pull the line low too.
	Direct Wiring = "direct"
)

// ParseWiring returns the wiring of that name, "fet" or "direct".
func ParseWiring(name string) (Wiring, error) {
	switch w := Wiring(name); w {
	case FET, Direct:
		return w, nil
	}
	return "", fmt.Errorf("wiring %q is neither %q nor %q", name, FET, Direct)
}

// String returns the wiring's name.
func (w Wiring) String() string { return string(w) }

// UnmarshalText accepts what [ParseWiring] accepts.
func (w *Wiring) UnmarshalText(text []byte) error {
	parsed, err := ParseWiring(string(text))
	if err != nil {
		return err
	}
	*w = parsed
	return nil
}

// assert makes the board's line active.
func (w Wiring) assert(pin Pin) error {
	if w == FET {
		return pin.High()
	}
	return pin.Low()
}

// release lets the board's line go. A FET's gate is discharged actively first:
// its pull-down alone is slow.
func (w Wiring) release(pin Pin) error {
	if w == FET {
		if err := pin.Low(); err != nil {
			return err
		}
	}
	return pin.Input()
}
