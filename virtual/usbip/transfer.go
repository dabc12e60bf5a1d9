package usbip

import (
	"context"
	"encoding/binary"
	"errors"

	virtualduo "duogateway/virtual/duo"
)

// fromDevice is the bit of direction, of endpoints and of request types.
const fromDevice = 0x80

// transfer makes one transfer with the board and waits for its end.
func transfer(ctx context.Context, board *virtualduo.USB, s submission) outcome {
	moved, data, err := 0, s.data, error(nil)
	switch {
	case s.endpoint == 0:
		length := int(binary.LittleEndian.Uint16(s.setup[6:]))
		if length != s.length {
			return outcome{status: statusInvalid}
		}
		if s.in {
			data = make([]byte, length)
		}
		moved, err = board.Control(ctx, s.setup[0], s.setup[1],
			binary.LittleEndian.Uint16(s.setup[2:]), binary.LittleEndian.Uint16(s.setup[4:]), data)
	case s.in:
		data = make([]byte, s.length)
		moved, err = board.Bulk(ctx, s.endpoint|fromDevice, data)
	default:
		moved, err = board.Bulk(ctx, s.endpoint, data)
	}
	return s.outcome(ctx, moved, data, err)
}

// outcome is the end of a transfer as a host controller of Linux reports it.
func (s submission) outcome(ctx context.Context, moved int, data []byte, err error) outcome {
	var kind interface {
		Stalled() bool
		Gone() bool
	}
	switch {
	case err == nil:
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return outcome{unlinked: true}
	case errors.As(err, &kind) && kind.Stalled():
		return outcome{status: statusStalled}
	case errors.As(err, &kind) && kind.Gone():
		return outcome{status: statusNoDevice}
	default:
		return outcome{status: statusProtocol}
	}
	if !s.in {
		return outcome{moved: moved}
	}
	o := outcome{moved: moved, data: data[:moved]}
	if moved < s.length && s.flags&flagShortNotOkay != 0 {
		o.status = statusShortRead
	}
	return o
}
