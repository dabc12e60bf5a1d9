package recipe

import (
	"context"
	"errors"

	"duogateway/dfu"
	"duogateway/job"
)

// usbFault gives an error of the DFU host its fault code.
func usbFault(err error) error {
	var status *dfu.StatusError
	var known *job.FaultError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, dfu.ErrGone):
		return job.Failf(job.BoardLeft, "%w", err)
	case errors.Is(err, dfu.ErrStalled), errors.Is(err, dfu.ErrTimeout), errors.Is(err, dfu.ErrProtocol), errors.As(err, &status):
		return job.Failf(job.USBRefused, "%w", err) // also when the end of a transfer's own context is in it
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, dfu.ErrRefused):
		return job.Failf(job.Internal, "%w", err)
	default:
		return job.Failf(job.USBFailed, "%w", err)
	}
}
