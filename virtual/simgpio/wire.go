package simgpio

import (
	"errors"
	"fmt"
	"io"
)

// On a connection the levels are one byte, sent at the beginning and at each
// change: bit 0 is set while RESET is low, bit 1 while SETUP is low.
const (
	resetBit = 1
	setupBit = 2
)

// Send returns a function that tells levels to the other end of a connection.
func Send(w io.Writer) func(Levels) error {
	return func(l Levels) error {
		var bits byte
		if l.ResetLow {
			bits |= resetBit
		}
		if l.SetupLow {
			bits |= setupBit
		}
		_, err := w.Write([]byte{bits})
		return err
	}
}

// Receive tells the levels that come over a connection, until it ends, which
// is no error. At the end both lines are let go, as those of a machine that
// has lost its power.
func Receive(r io.Reader, tell func(Levels)) error {
	defer tell(Levels{})
	for {
		var bits [1]byte
		_, err := io.ReadFull(r, bits[:])
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("receive levels: %w", err)
		case bits[0] > resetBit|setupBit:
			return fmt.Errorf("%#x is not the levels of two lines", bits[0])
		}
		tell(Levels{bits[0]&resetBit != 0, bits[0]&setupBit != 0})
	}
}
