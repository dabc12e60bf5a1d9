package gpio

import (
	"errors"
	"fmt"
)

// Line is one line of the board, RESET or SETUP. The pin is claimed at its
// first use, so that the order in which lines are claimed is the order in
// which they are used. A Line is used by one goroutine at a time.
type Line struct {
	wiring Wiring
	open   func() (Pin, error)
	pin    Pin
}

// NewLine returns a line that claims its pin by open.
func NewLine(wiring Wiring, open func() (Pin, error)) *Line {
	return &Line{wiring: wiring, open: open}
}

// Open claims the pin, once. It fails with [ErrLinesBusy] or [ErrLines].
func (l *Line) Open() error {
	if l.pin != nil {
		return nil
	}
	pin, err := l.open()
	if err != nil {
		return lineError("claim", err)
	}
	l.pin = pin
	return nil
}

// Assert makes the line active (low at the board).
func (l *Line) Assert() error {
	if err := l.Open(); err != nil {
		return err
	}
	return lineError("assert", l.wiring.assert(l.pin))
}

// Release lets the line go (pulled up by the board).
func (l *Line) Release() error {
	if err := l.Open(); err != nil {
		return err
	}
	return lineError("release", l.wiring.release(l.pin))
}

// Close gives the pin up. It does nothing if the line was never used.
func (l *Line) Close() error {
	if l.pin == nil {
		return nil
	}
	pin := l.pin
	l.pin = nil
	return lineError("close", pin.Close())
}

// lineError makes every error of a driver one of this package's errors.
func lineError(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrLinesBusy):
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrLines, err)
}

// Lines are the two lines of a bay.
type Lines struct {
	Reset, Setup *Line
}

// Close gives both pins up. SETUP goes first, so that a driver or a kernel
// that lets a closed line go does not let RESET rise with SETUP active.
func (l Lines) Close() error {
	return errors.Join(l.Setup.Close(), l.Reset.Close())
}
