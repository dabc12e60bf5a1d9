package chip

import (
	"errors"

	periph "periph.io/x/conn/v3/gpio"

	"duogateway/gpio"
)

// line is what this package needs of a line of the driver that can be driven.
// It is never read: reading an output makes the driver turn it into an input.
type line interface {
	In(pull periph.Pull, edge periph.Edge) error
	Out(level periph.Level) error
	Close()
}

// pin is a claimed line.
type pin struct {
	line   line
	output bool   // the kernel has made the line an output
	free   func() // nil once the pin is closed
}

// errClosed: the driver would claim the line anew.
var errClosed = errors.New("the pin is closed")

var _ gpio.Pin = (*pin)(nil)

// Low drives the pin low. If it was an input, it is low at once.
func (p *pin) Low() error { return p.drive(periph.Low) }

// High drives the pin high. If it was an input, it is low for some
// microseconds before: the driver makes it an output first and sets the level
// then. At a FET low means released, so nothing is asserted by that; and a line
// that is wired directly is never driven high.
func (p *pin) High() error { return p.drive(periph.High) }

func (p *pin) drive(level periph.Level) error {
	if p.free == nil {
		return errClosed
	}
	err := p.line.Out(level)
	if err == nil {
		p.output = true
		return nil
	}
	if !p.output {
		// The driver takes the line for an output before the kernel agrees, and
		// would only set a level from now on, which the kernel refuses for
		// inputs. In makes it forget, so that the call may be repeated.
		_ = p.line.In(periph.PullNoChange, periph.NoEdge)
	}
	return err
}

// Input stops driving the pin.
func (p *pin) Input() error {
	if p.free == nil {
		return errClosed
	}
	err := p.line.In(periph.PullNoChange, periph.NoEdge)
	if err == nil {
		p.output = false
	}
	return err
}

// Close gives the line back to the kernel. It closes the line and never the
// chip: that would close other lines too, and file descriptor 0. A second time does
// nothing, since the line may be another pin's by then.
func (p *pin) Close() error {
	if p.free == nil {
		return nil
	}
	p.line.Close()
	p.free()
	p.free = nil
	return nil
}
