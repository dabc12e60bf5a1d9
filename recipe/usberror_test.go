package recipe

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"duogateway/dfu"
	"duogateway/job"
)

// An error of the USB host says who has to act on it. A transfer that timed out
// is the board's fault, though a context tells of it too.
func TestUSBFault(t *testing.T) {
	plain := errors.New("something else")
	for _, test := range []struct {
		err  error
		code job.Code
	}{
		{fmt.Errorf("reading: %w", dfu.ErrGone), job.BoardLeft},
		{fmt.Errorf("reading: %w", dfu.ErrStalled), job.USBRefused},
		{fmt.Errorf("reading: %w", dfu.ErrTimeout), job.USBRefused},
		{fmt.Errorf("reading: %w: %w", dfu.ErrTimeout, context.DeadlineExceeded), job.USBRefused},
		{fmt.Errorf("reading: %w", dfu.ErrProtocol), job.USBRefused},
		{fmt.Errorf("reading: %w", &dfu.StatusError{Status: 3}), job.USBRefused},
		{fmt.Errorf("writing: %w", dfu.ErrRefused), job.Internal},
		{plain, job.USBFailed},
		{job.Failf(job.PortAmbiguous, "looking: %w", dfu.ErrGone), job.PortAmbiguous},
	} {
		if got := usbFault(test.err); job.ReportOf(got).Code != test.code || !errors.Is(got, test.err) {
			t.Errorf("%v becomes %s, want %s", test.err, job.ReportOf(got).Code, test.code)
		}
	}
	for _, err := range []error{nil, context.Canceled, fmt.Errorf("reading: %w", context.DeadlineExceeded)} {
		if got := usbFault(err); got != err { //nolint:errorlint // it must be the very same
			t.Errorf("%v becomes %v", err, got)
		}
	}
}
