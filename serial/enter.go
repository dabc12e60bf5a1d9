package serial

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// EnterDFU asks the firmware on a USB port, given with its bus, as 1-1.4, to
// restart in DFU mode. It does not look whether the board then is in DFU mode:
// a firmware that hangs does not hear. After an error it was not asked.
//
// It takes some milliseconds. A board that answers nothing at all holds it up
// for 5 s at each of a few steps (Linux drivers/usb/class/cdc-acm.c:
// acm_ctrl_msg); ctx is looked at between them, and not any more once the board
// is asked.
func (p *Ports) EnterDFU(ctx context.Context, usbPort string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	opened, err := p.take(usbPort)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return errors.Join(err, opened.Close())
	}
	// Closing the port leaves DTR alone: to take it back the kernel would ask a
	// board that has left, and hold the whole hub up for 5 s meanwhile.
	err = opened.SetRate(baudDFU, false)
	if closing := opened.Close(); closing != nil {
		p.log.Debug("closing the serial port of a board that leaves", "port", usbPort, "error", closing)
	}
	if err != nil && !left(err) {
		return fmt.Errorf("setting %d baud on USB port %s: %w", baudDFU, usbPort, err)
	}
	return nil
}

// left tells whether an error is what the kernel says of a tty whose device has
// left the bus.
func left(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENODEV)
}
