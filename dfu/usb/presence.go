package usb

import (
	"context"
	"errors"
	"slices"
	"time"
)

// When a plug is pulled, transfers fail at once, but the hub tells it later:
// it is asked every 255 ms at full speed and 256 ms at high speed (USB 2.0
// section 11.23.1), and then the kernel has its work.
const (
	leaveTime = time.Second
	leavePoll = 50 * time.Millisecond
)

// look lists the devices. A device that comes or leaves just now may be
// missing; why is told by missed.
func look(bus native) (found []device, missed, err error) {
	found, err = bus.devices()
	if passing(err) {
		return found, err, nil
	}
	return found, nil, err
}

// hasLeft tells whether a device that failed is off the bus, or is so within
// leaveTime.
func hasLeft(ctx context.Context, bus native, d device) (bool, error) {
	for deadline := time.Now().Add(leaveTime); ; {
		found, _, err := look(bus)
		if err != nil {
			return false, err
		}
		if !slices.Contains(found, d) {
			return true, nil
		}
		if !time.Now().Before(deadline) {
			return false, nil
		}
		if err := pause(ctx, leavePoll); err != nil {
			return false, err
		}
	}
}

// judge gives the error of a device that may have left its kind.
func judge(ctx context.Context, bus native, d device, err error) error {
	left, unknown := hasLeft(ctx, bus, d)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case unknown != nil:
		return errors.Join(err, unknown)
	case left:
		return gone(err)
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
