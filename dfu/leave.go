package dfu

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A device that was told to leave is looked for every leavePoll, for at most
// maxLeave. The bootloaders we know are gone after half a second.
const (
	leavePoll = 50 * time.Millisecond
	maxLeave  = 5 * time.Second
)

// Leave makes the device leave DFU mode and waits until it is off the bus,
// which is success. Afterwards only Close is left to do.
func (d *Device) Leave(ctx context.Context) error {
	if err := d.leave(ctx); err != nil {
		return fmt.Errorf("dfu: leave: %w", err)
	}
	return nil
}

func (d *Device) leave(ctx context.Context) error {
	if err := d.toIdle(ctx); err != nil {
		return err
	}
	if err := d.dnload(ctx, firstBlock, nil); err != nil {
		return err
	}
	s, err := d.getStatus(ctx) // without this one the device stays
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.failure(); err != nil {
		return err
	}
	return d.awaitGone(ctx)
}

// awaitGone looks until the device is gone. What else goes wrong meanwhile may
// be part of its going.
func (d *Device) awaitGone(ctx context.Context) error {
	deadline := time.Now().Add(maxLeave)
	for time.Now().Before(deadline) {
		if err := sleep(ctx, leavePoll); err != nil {
			return err
		}
		_, err := d.getState(ctx)
		if errors.Is(err, ErrGone) {
			return nil
		}
	}
	return fmt.Errorf("%w: still there after %v", ErrTimeout, maxLeave)
}
