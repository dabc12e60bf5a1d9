package gpiotest

import (
	"context"
	"sync"

	"duogateway/gpio"
)

// Contact is a fake push button. Its methods may be called at the same time.
type Contact struct {
	mu      sync.Mutex
	pressed bool
	fault   error
	moved   chan struct{}
}

var _ gpio.Contact = (*Contact)(nil)

// NewContact returns a contact that is open. In a synctest bubble it belongs
// to the bubble.
func NewContact() *Contact {
	return &Contact{moved: make(chan struct{}, 1)}
}

// Set closes or opens the contact.
func (c *Contact) Set(pressed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pressed != pressed {
		c.pressed = pressed
		c.wake()
	}
}

// Break makes the line fail from now on.
func (c *Contact) Break(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = err
	c.wake()
}

// wake lets Wait return. Moves that nobody waited for are one.
func (c *Contact) wake() {
	select {
	case c.moved <- struct{}{}:
	default:
	}
}

// Level says whether the contact is closed.
func (c *Contact) Level() (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pressed, c.fault
}

// Wait waits for the next Set that changes something, or for Break.
func (c *Contact) Wait(ctx context.Context) error {
	select {
	case <-c.moved:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}
