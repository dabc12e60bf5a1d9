package recipe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
)

const (
	// gestureTries is how often the gesture is made for one job.
	gestureTries = 2

	// appearTime is how long a board may take from the end of the gesture to
	// the bus. It enumerates at once; the rest is for the hub and the kernel.
	appearTime = 10 * time.Second

	// sureTime is how long after the gesture, or after its firmware was asked,
	// what appears is taken for the board whose firmware told its id: in more
	// time somebody may put another one in its place, and the older bootloaders
	// do not tell.
	sureTime = 2 * time.Second
)

// enter brings the board into DFU mode and opens it.
func (v *visit) enter(ctx context.Context, say job.Say) (job.Outcome, error) {
	out, err := v.enterDFU(ctx, say)
	v.tellsReset = job.HasCode(err, job.ResetPossible)
	return out, err
}

func (v *visit) enterDFU(ctx context.Context, say job.Say) (job.Outcome, error) {
	v.letGo()
	v.entered, v.runningID, v.asked, v.deaf = false, "", false, nil
	if err := v.endings.factoryReset(); err != nil {
		return job.Outcome{}, job.Failf(job.ResetPossible, "an earlier gesture: %w", err)
	}
	for try := 1; ; try++ {
		detail, err := v.tryEnter(ctx, say)
		if err == nil {
			return job.Outcome{Detail: detail}, nil
		}
		if try == gestureTries || !job.ReportOf(err).Retryable || ctx.Err() != nil {
			return job.Outcome{}, err
		}
		v.book.Log.Warn("trying the gesture again", "job", v.job.ID, "bay", v.Name, "error", err)
	}
}

func (v *visit) tryEnter(ctx context.Context, say job.Say) (string, error) {
	seen, present, err := v.ready(ctx, say)
	if err != nil {
		return "", err
	}
	if present && isDFU(seen) {
		if err := v.checkSame(seen); err != nil {
			return "", err
		}
		return "in DFU mode already", v.open(ctx, seen)
	}
	id, told := duo.DeviceIDFromSerial(seen.Serial)
	if told = told && present; told {
		v.runningID = id
	}
	if present && v.Console != nil && !v.asked {
		return v.askFirmware(ctx, say, seen.Port, sureUntil(told))
	}
	say("RESET, SETUP held", 0, 0)
	if err := v.gesture(ctx); err != nil {
		return "", err
	}
	detail := "by RESET and SETUP"
	if v.deaf != nil {
		detail += fmt.Sprintf("; its firmware was asked in vain: %v", v.deaf)
	}
	return detail, v.arrive(ctx, sureUntil(told), appearTime)
}

// sureUntil is until when what appears in DFU mode is the board whose firmware
// ran just before. One that ran and told no id is no surer than a stranger.
func sureUntil(told bool) time.Time {
	if !told {
		return time.Time{}
	}
	return time.Now().Add(sureTime)
}

// arrive waits for a board that was just brought into DFU mode, and opens it.
func (v *visit) arrive(ctx context.Context, sure time.Time, within time.Duration) error {
	v.entered, v.memory.Entered = true, true
	seen, err := v.awaitDFU(ctx, within)
	if err != nil {
		v.entered = ctx.Err() != nil // it was not waited for to the end
		return err
	}
	if time.Now().After(sure) {
		if err := v.checkSame(seen); err != nil {
			return err
		}
	}
	return v.open(ctx, seen)
}

// checkSame refuses a board without a name that is in DFU mode, though a board
// that told its id was not brought there just now, while one has told its id
// before: nobody knows whether it is that one. // P1
func (v *visit) checkSame(seen dfu.Attachment) error {
	if _, tells := duo.DeviceIDFromSerial(seen.Serial); tells || v.runningID == "" {
		return nil
	}
	return job.Failf(job.BoardChanged, "board %s was in the bay; what is there in DFU mode now came up by itself and does not tell which it is", v.runningID)
}

// ready waits until the board may be reset: it is on the bus, or it has had
// time to make a key. It refuses what is not a Duo.
func (v *visit) ready(ctx context.Context, say job.Say) (dfu.Attachment, bool, error) {
	for started := time.Now(); ; {
		seen, present, err := v.Board.Look(ctx)
		if err != nil {
			return seen, false, usbFault(err)
		}
		if present {
			return seen, true, checkDuo(seen)
		}
		waited := time.Since(started)
		if waited >= restTime {
			return seen, false, nil
		}
		say("no board on USB yet; it may be making a key", int(waited/time.Second), int(restTime/time.Second))
		if err := pause(ctx, lookTime); err != nil {
			return seen, false, err
		}
	}
}

func isDFU(a dfu.Attachment) bool { return a.Vendor == duo.VendorID && a.Product == duo.ProductDFU }

func isRunning(a dfu.Attachment) bool { return a.Vendor == duo.VendorID && a.Product == duo.ProductRun }

func checkDuo(a dfu.Attachment) error {
	if isDFU(a) || isRunning(a) {
		return nil
	}
	return job.Failf(job.WrongBoardType, "port %s: found %04x:%04x, a Duo is %04x:%04x or %04x:%04x",
		a.Port, a.Vendor, a.Product, duo.VendorID, duo.ProductRun, duo.VendorID, duo.ProductDFU)
}

// gesture makes the gesture and gives its failures their fault codes.
func (v *visit) gesture(ctx context.Context) error {
	result, err := v.Lines.EnterDFU(ctx)
	v.endings.note(result)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gpio.ErrFactoryResetPossible), errors.Is(err, gpio.ErrQuiet):
		return job.Failf(job.ResetPossible, "entering DFU mode: %w", err)
	case errors.Is(err, gpio.ErrKeepsOutputs):
		return job.Failf(job.KeepsOutputs, "entering DFU mode: %w", err)
	case errors.Is(err, gpio.ErrLinesBusy):
		return job.Failf(job.LinesBusy, "entering DFU mode: %w", err)
	default:
		return job.Failf(job.GestureFailed, "entering DFU mode: %w", err)
	}
}

// awaitDFU waits for the bootloader on the bus.
func (v *visit) awaitDFU(ctx context.Context, within time.Duration) (dfu.Attachment, error) {
	var last dfu.Attachment
	deadline := time.Now().Add(within)
	for time.Now().Before(deadline) {
		seen, present, err := v.Board.Look(ctx)
		if err != nil {
			return seen, usbFault(err)
		}
		if present && isDFU(seen) {
			return seen, nil
		}
		if present {
			last = seen
		}
		if err := pause(ctx, lookTime); err != nil {
			return seen, err
		}
	}
	if isRunning(last) {
		return last, job.Failf(job.GestureFailed, "entering DFU mode: the board runs its firmware instead")
	}
	return last, job.Failf(job.NoUSB, "entering DFU mode: nothing came up on the port within %v", within)
}

// open opens the board. What may be written depends on its bootloader: until
// that is known nothing may.
func (v *visit) open(ctx context.Context, seen dfu.Attachment) error {
	transport, err := v.Board.Open(ctx, seen)
	if err != nil {
		return usbFault(err)
	}
	limit := func(alt uint8, addr uint32, length int) error {
		return duo.CheckWrite(v.memory.Bootloader, alt, addr, length)
	}
	device, err := dfu.Open(ctx, transport, dfu.Options{Limit: limit})
	if err != nil {
		return usbFault(errors.Join(err, transport.Close()))
	}
	v.device = device
	v.endings.takeSafeMode() // the board has been reset since
	return nil
}
