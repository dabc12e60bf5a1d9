package parts

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"duogateway/duo"
	"duogateway/virtual/remote"
)

// console is the serial ports of the boards on a bench.
type console struct{ bench remote.API }

// What the driver of a serial port sends when a program sets 14400 baud: the
// request SET_LINE_CODING (USB CDC PSTN 1.2 section 6.3.10).
const (
	classOutInterface = 0x21
	setLineCoding     = 0x20
	baudDFU           = 14400
)

// EnterDFU asks the firmware on a USB port to restart in DFU mode.
func (c console) EnterDFU(ctx context.Context, port string) error {
	device, err := c.running(ctx, port)
	if err != nil {
		return err
	}
	usb, err := c.bench.OpenUSB(ctx, device)
	if err != nil {
		return err
	}
	coding := append(binary.LittleEndian.AppendUint32(nil, baudDFU), 0, 0, 8) // 8 bits, no parity, 1 stop bit
	_, err = usb.Control(ctx, classOutInterface, setLineCoding, 0, 0, coding)
	return errors.Join(err, usb.Close())
}

// running is the board whose firmware shows a serial port on a USB port.
func (c console) running(ctx context.Context, port string) (remote.Device, error) {
	devices, err := c.bench.Devices(ctx)
	if err != nil {
		return remote.Device{}, err
	}
	for _, d := range devices {
		if d.Port == port && d.Product == duo.ProductRun {
			return d, nil
		}
	}
	return remote.Device{}, fmt.Errorf("no board with a serial port is on USB port %s", port)
}
