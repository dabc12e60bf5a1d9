package recipe

import (
	"context"
	"fmt"
	"time"

	"duogateway/duo"
	"duogateway/job"
)

// runTime is how long a board may take from leaving DFU mode to showing its
// firmware on the bus. It starts twice, and may flash its bootloader between.
const runTime = restTime

// leave lets the board start its firmware, unless it has to stay.
func (v *visit) leave(ctx context.Context, _ job.Say) (job.Outcome, error) {
	if v.memory.Stay || (v.memory.Keyless && !v.memory.Decision.EraseKey) {
		return job.Outcome{Detail: "the board is kept in DFU mode", End: v.ending()}, nil
	}
	if err := v.leaveDFU(ctx); err != nil {
		return job.Outcome{}, usbFault(err)
	}
	return job.Outcome{Detail: "the board restarts"}, nil
}

func (v *visit) leaveDFU(ctx context.Context) error {
	err := v.device.Leave(ctx)
	v.letGo()
	v.entered = v.entered && err != nil
	return err
}

// seeRunning ends the job once the firmware is on the bus. A fault that was
// found earlier is kept even if it is not: it is the deeper one.
func (v *visit) seeRunning(ctx context.Context, say job.Say) (job.Outcome, error) {
	detail, err := v.awaitFirmware(ctx, say)
	if job.HasCode(err, job.NotRunning) && v.memory.Ending != nil {
		detail, err = err.Error(), nil
	}
	return job.Outcome{Detail: detail, End: v.ending()}, err
}

// awaitFirmware waits for the firmware of this board on the bus.
func (v *visit) awaitFirmware(ctx context.Context, say job.Say) (string, error) {
	for started := time.Now(); ; {
		seen, present, err := v.Board.Look(ctx)
		if err != nil {
			return "", usbFault(err)
		}
		if present && isRunning(seen) {
			if id, ok := duo.DeviceIDFromSerial(seen.Serial); ok && v.memory.DeviceID != "" && id != v.memory.DeviceID {
				return "", job.Failf(job.BoardChanged, "the job was about board %s, %s runs now", v.memory.DeviceID, id)
			}
			return fmt.Sprintf("the firmware runs, seen as %04x:%04x", seen.Vendor, seen.Product), nil
		}
		waited := time.Since(started)
		if waited >= runTime {
			return "", job.Failf(job.NotRunning, "the firmware was not seen on USB within %v", runTime)
		}
		say("waiting for the firmware", int(waited/time.Second), int(runTime/time.Second))
		if err := pause(ctx, lookTime); err != nil {
			return "", err
		}
	}
}

// ending is how the job ends: with the fault that was found, or with a pass
// that no cloud has proven.
func (v *visit) ending() *job.Ending {
	if v.memory.Ending != nil {
		return &job.Ending{Fault: v.memory.Ending}
	}
	return &job.Ending{Proof: job.NotConfigured}
}
