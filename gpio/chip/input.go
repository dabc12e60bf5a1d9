package chip

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	periph "periph.io/x/conn/v3/gpio"

	"duogateway/gpio"
)

// edges is what this package needs of a line of the driver that is watched: a
// LineSet of one, since a single line of the driver takes an error for a level.
type edges interface {
	Read(mask periph.GPIOValue) (periph.GPIOValue, error)
	// WaitForEdge fails with os.ErrDeadlineExceeded after the timeout. With 0
	// it waits for ever.
	WaitForEdge(timeout time.Duration) (number int, edge periph.Edge, err error)
	Close() error
}

// Input is a line with a button to ground. Its methods are called by one
// goroutine at a time.
type Input struct {
	edges edges
}

var _ gpio.Contact = (*Input)(nil)

// Limits of one wait in the kernel. The driver cannot be called off for sure:
// its Halt does nothing before a wait has begun, and is undone by the next one.
// So an end of the context is noticed between two waits.
const (
	longestWait  = 200 * time.Millisecond
	shortestWait = time.Millisecond
)

// Level says whether the button is pressed: the line is low.
func (i *Input) Level() (pressed bool, err error) {
	bits, err := i.edges.Read(0)
	if err != nil {
		return false, fmt.Errorf("read the line: %w", err)
	}
	return bits&1 == 0, nil
}

// Wait waits for the next edge. The kernel keeps edges while nobody waits, the
// latest 16. An end of ctx is noticed within 0.2 s, its deadline within 1 ms.
func (i *Input) Wait(ctx context.Context) error {
	for ctx.Err() == nil {
		timeout := longestWait
		if deadline, ok := ctx.Deadline(); ok {
			timeout = max(shortestWait, min(timeout, time.Until(deadline)))
		}
		_, _, err := i.edges.WaitForEdge(timeout)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return waitError(err)
		}
	}
	return ctx.Err()
}

func waitError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("wait for an edge of the line: %w", err)
}

// Close gives the line back to the kernel. No other method may be called
// afterwards.
func (i *Input) Close() error {
	if err := i.edges.Close(); err != nil {
		return fmt.Errorf("close the line: %w", err)
	}
	return nil
}
