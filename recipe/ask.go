package recipe

import (
	"context"
	"time"

	"duogateway/job"
)

// askTime is how long a board may take from being asked to the bus in DFU mode.
// Its bootloader holds on to no button then and starts USB at once; the rest is
// for the hub and the kernel.
const askTime = 5 * time.Second

// askFirmware brings a board into DFU mode by asking the firmware that runs on
// it; no line is touched. A firmware that hangs does not hear, and another
// program may hold the port: then it is the gesture after all, on what is in the
// bay by then.
func (v *visit) askFirmware(ctx context.Context, say job.Say, port string, sure time.Time) (string, error) {
	say("asking the firmware to enter DFU mode", 0, 0)
	v.asked = true
	err := v.Console.EnterDFU(ctx, port)
	heard := err == nil
	if heard {
		err = v.arrive(ctx, sure, askTime)
	}
	switch {
	case err == nil:
		return "by its firmware, which was asked to", nil
	case ctx.Err() != nil, heard && !notArrived(err):
		return "", err
	}
	v.book.Log.Warn("the firmware was asked in vain to enter DFU mode", "job", v.job.ID, "bay", v.Name, "error", err)
	v.deaf = err
	return v.tryEnter(ctx, say)
}

// notArrived tells whether a board was waited for in vain.
func notArrived(err error) bool {
	return job.HasCode(err, job.NoUSB) || job.HasCode(err, job.GestureFailed)
}
