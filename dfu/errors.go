package dfu

import (
	"context"
	"errors"
	"fmt"
)

// The kinds of failure. Every error of this package that stems from the device
// or from a refusal wraps one of them, or a [*StatusError], or the error of
// the caller's context.
var (
	// ErrRefused: this host refused the operation before a byte was sent.
	ErrRefused = errors.New("refused")
	// ErrStalled: the device refused the request. For the GETSTATUS after a
	// write or an erase it means that the write or erase failed.
	ErrStalled = errors.New("stalled by the device")
	// ErrGone: the device has left the bus.
	ErrGone = errors.New("device is gone")
	// ErrTimeout: the device did not answer, or did not finish, in time.
	ErrTimeout = errors.New("timed out")
	// ErrProtocol: the device sent what the protocol does not allow.
	ErrProtocol = errors.New("protocol violated")
	// ErrMismatch: what was read back is not what was written.
	ErrMismatch = errors.New("read-back differs")
)

// StatusError is an error that the device itself reported by GETSTATUS.
type StatusError struct {
	Status uint8 // bStatus, DFU 1.1 section 6.1.2; 0 is OK
	State  State
}

// Error tells the status and the state.
func (e *StatusError) Error() string {
	return fmt.Sprintf("device reports status 0x%02x in state %v", e.Status, e.State)
}

// classify gives a transport error its kind. ctx is the caller's context,
// transfer the one of the single transfer.
func classify(ctx, transfer context.Context, err error) error {
	var gone interface{ Gone() bool }
	var stalled interface{ Stalled() bool }
	switch {
	case errors.As(err, &gone) && gone.Gone():
		return fmt.Errorf("%w: %w", ErrGone, err)
	case errors.As(err, &stalled) && stalled.Stalled():
		return fmt.Errorf("%w: %w", ErrStalled, err)
	case ctx.Err() != nil:
		return ctx.Err()
	case transfer.Err() != nil:
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}
