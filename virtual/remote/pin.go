package remote

import (
	"errors"
	"fmt"
	"sync"
)

// line is a pin of the bench with the board's line behind its wiring.
type line struct {
	name   string
	wiring Wiring
	drive  func(low bool)

	mu    sync.Mutex
	owner *pin
}

// pin is a line in the hands of an owner.
type pin struct{ line *line }

var errPinClosed = errors.New("the pin is closed")

// OpenPin takes a pin by its line name, as an input.
func (b *Bench) OpenPin(name string) (Pin, error) {
	l := b.pins[name]
	if l == nil {
		return nil, fmt.Errorf("chip %q has no line %q", ChipLabel, name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owner != nil {
		return nil, &failure{Text: fmt.Sprintf("line %q is in use: device or resource busy", name), IsBusy: true}
	}
	l.owner = &pin{l}
	return l.owner, nil
}

// Low drives the pin low: with direct wiring that asserts the line.
func (p *pin) Low() error { return p.set(p.line.wiring == Direct) }

// High drives the pin high: that opens a FET and asserts the line.
func (p *pin) High() error { return p.set(p.line.wiring == FET) }

// Input lets the pin go: a pull-up raises the line, with either wiring.
func (p *pin) Input() error { return p.set(false) }

// Close makes the pin an input and gives it back.
func (p *pin) Close() error {
	if err := p.Input(); err != nil {
		return err
	}
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	p.line.owner = nil
	return nil
}

func (p *pin) set(low bool) error {
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	if p.line.owner != p {
		return errPinClosed
	}
	p.line.drive(low)
	return nil
}
