package serial

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The baud rates. The firmware takes some for commands: 14400 for DFU mode,
// 28800 for listening mode, in which the board leaves the network, 1200 for a
// reset and 19200 for an update in the manner of Arduino
// (redbear/firmware system/src/system_update.cpp:250-287,
// build/module-defaults.mk:2-8). Only the first one is ever set here.
const (
	baudDFU   = 14400
	baudPlain = 9600 // means nothing to the firmware; the kernel's own default
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
	err = opened.SetMode(at(baudDFU))
	p.letGo(opened, usbPort)
	if err != nil && !left(err) {
		return fmt.Errorf("setting %d baud on USB port %s: %w", baudDFU, usbPort, err)
	}
	return nil
}

// letGo takes the rate back, before the kernel sees the board leave, and closes
// the port. The kernel keeps the rate for the name of the tty, and sends it to
// whatever has the name next as soon as a program opens that: a board that has
// just been repaired would fall into DFU mode again (Linux
// drivers/usb/class/cdc-acm.c: acm_port_activate, drivers/tty/tty_io.c:
// tty_save_termios).
func (p *Ports) letGo(opened port, usbPort string) {
	if err := opened.SetMode(at(baudPlain)); err != nil {
		p.log.Warn("the serial port may keep the baud rate that asks for DFU mode: the next program that opens it may ask for it again", "port", usbPort, "error", err)
	}
	if err := opened.Close(); err != nil {
		p.log.Debug("closing the serial port of a board that leaves", "port", usbPort, "error", err)
	}
}

// left tells whether an error is what the kernel says of a tty whose device has
// left the bus.
func left(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENODEV)
}
