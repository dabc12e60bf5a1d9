package dfu

import (
	"context"
	"fmt"
	"time"
)

// The way to dfuIDLE is at most idleSteps looks at the device long; a busy
// device is given idlePause between two.
const (
	idleSteps = 16
	idlePause = 250 * time.Millisecond
)

// toIdle brings the device to dfuIDLE from any state. It looks by GETSTATE,
// since a GETSTATUS would carry out a write that another host left pending.
func (d *Device) toIdle(ctx context.Context) error {
	var state State
	for range idleSteps {
		var err error
		if state, err = d.getState(ctx); err != nil {
			return err
		}
		if state == StateIdle {
			return nil
		}
		if err := d.stepToIdle(ctx, state); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: stays in %v", ErrProtocol, state)
}

// stepToIdle does the one thing that helps in a state.
func (d *Device) stepToIdle(ctx context.Context, state State) error {
	switch state {
	case StateDnloadSync, StateDnloadIdle, StateManifestSync, StateUploadIdle:
		return d.abort(ctx)
	case StateDnbusy, StateManifest, StateManifestWaitReset:
		return sleep(ctx, idlePause)
	case 0, 1: // appIDLE, appDETACH
		return fmt.Errorf("%w: not in DFU mode", ErrProtocol)
	}
	return d.clearError(ctx)
}

// clearError leaves dfuERROR, or a state that DFU does not know: there
// CLRSTATUS leads to dfuERROR, and toIdle comes here a second time.
func (d *Device) clearError(ctx context.Context) error {
	s, err := d.getStatus(ctx)
	if err != nil {
		return err
	}
	if s.state < StateError {
		return nil // it has moved on by itself
	}
	return d.clrStatus(ctx)
}
