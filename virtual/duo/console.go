package virtualduo

import (
	"context"
	"io"
)

// The endpoints of the firmware's serial port (redbear/firmware
// platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/usbd_conf.h:94-128).
const (
	consoleOut = 0x01
	consoleIn  = 0x81
	notifyIn   = 0x83
	bulkPacket = 64
)

// console is what the firmware has said on its serial port and nobody has
// read yet.
type console struct {
	said []byte
	more chan struct{} // closed when there is more; nil while nobody waits
}

func (b *Board) say(text string) {
	b.console.said = append(b.console.said, text...)
	if b.console.more != nil {
		close(b.console.more)
		b.console.more = nil
	}
}

// Bulk makes one bulk transfer on the serial port: it writes all of data to
// endpoint 0x01, or reads what there is, up to a packet of 64 bytes, from 0x81.
// A read waits until the board says something, leaves the bus or ctx ends; on
// endpoint 0x83, the port's interrupts, the firmware never says anything. It
// returns how many bytes moved.
func (u *USB) Bulk(ctx context.Context, endpoint uint8, data []byte) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		moved, more, gone, err := u.bulk(endpoint, data)
		if err != nil || more == nil {
			return moved, err
		}
		select {
		case <-more:
		case <-gone:
			return 0, errGone
		case <-ctx.Done():
		}
	}
}

// bulk does what can be done at once; more is to be waited for if that was nothing.
func (u *USB) bulk(endpoint uint8, data []byte) (moved int, more, gone <-chan struct{}, err error) {
	b := u.board
	b.lock()
	defer b.unlock()
	switch {
	case u.closed.Load() || b.attachment == nil || b.attachment.Number != u.number:
		return 0, nil, nil, errGone
	case b.mode == modeRun && endpoint == notifyIn:
		return 0, make(chan struct{}), b.attachment.gone, nil // never
	case b.mode != modeRun || endpoint != consoleOut && endpoint != consoleIn:
		return 0, nil, nil, errStalled
	case endpoint == consoleOut:
		for _, typed := range data {
			b.say(b.answerTo(typed))
		}
		return len(data), nil, nil, nil
	case len(b.console.said) > 0:
		moved = copy(data[:min(len(data), bulkPacket)], b.console.said)
		b.console.said = b.console.said[moved:]
		return moved, nil, nil, nil
	}
	if b.console.more == nil {
		b.console.more = make(chan struct{})
	}
	return 0, b.console.more, b.attachment.gone, nil
}

// Serial returns the board's serial port as it is on the bus now. Its reads
// wait; they and the writes fail once the board has left the bus. Closing it
// does not end a read that waits.
func (b *Board) Serial() (io.ReadWriteCloser, error) {
	usb, err := b.Open()
	if err != nil {
		return nil, err
	}
	return serialPort{usb}, nil
}

type serialPort struct{ usb *USB }

func (p serialPort) Read(data []byte) (int, error) {
	return p.usb.Bulk(context.Background(), consoleIn, data)
}

func (p serialPort) Write(data []byte) (int, error) {
	return p.usb.Bulk(context.Background(), consoleOut, data)
}

func (p serialPort) Close() error { return p.usb.Close() }
