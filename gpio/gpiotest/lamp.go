package gpiotest

import (
	"errors"
	"sync"
	"time"

	"duogateway/gpio"
)

// Lamp is a fake light: a pin that remembers when it shone. Its methods may be
// called at the same time.
type Lamp struct {
	now func() time.Duration

	mu      sync.Mutex
	lit     bool
	closed  bool
	fault   error
	changes []Change
}

var _ gpio.Pin = (*Lamp)(nil)

// Change is a lamp that went on or off.
type Change struct {
	At  time.Duration
	Lit bool
}

// NewLamp returns a lamp that is dark. now gives the times of its changes.
func NewLamp(now func() time.Duration) *Lamp {
	return &Lamp{now: now}
}

// Break makes every driving of the lamp fail with err, and nil repairs it.
func (l *Lamp) Break(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = err
}

// Lit says whether the lamp shines.
func (l *Lamp) Lit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lit
}

// Closed says whether the pin was given up.
func (l *Lamp) Closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Changes returns when the lamp went on and off so far.
func (l *Lamp) Changes() []Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Change(nil), l.changes...)
}

// High lights the lamp.
func (l *Lamp) High() error { return l.set(true) }

// Low makes the lamp dark.
func (l *Lamp) Low() error { return l.set(false) }

// Input makes the lamp dark: nothing drives it.
func (l *Lamp) Input() error { return l.set(false) }

// Close gives the pin up. A lamp that was lit shines on, as with a kernel that
// keeps closed lines driven.
func (l *Lamp) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return nil
}

func (l *Lamp) set(lit bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errors.New("the lamp's pin is closed")
	}
	if l.fault != nil {
		return l.fault
	}
	l.change(lit)
	return nil
}

func (l *Lamp) change(lit bool) {
	if l.lit != lit {
		l.lit = lit
		l.changes = append(l.changes, Change{At: l.now(), Lit: lit})
	}
}
