package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// usbHandle is a USB handle over a connection of its own.
type usbHandle struct{ link *link }

// OpenUSB opens a device that Devices has returned.
func (c *Client) OpenUSB(ctx context.Context, device Device) (USB, error) {
	opened, _, err := c.open(ctx, request{Do: doOpenUSB, Device: &device})
	if err != nil {
		return nil, err
	}
	return usbHandle{opened}, nil
}

// Control makes one control transfer. If ctx ends first the handle is closed,
// and the transfer may or may not have happened.
func (h usbHandle) Control(ctx context.Context, requestType, number uint8, value, index uint16, data []byte) (int, error) {
	if len(data) > math.MaxUint16 {
		return 0, fmt.Errorf("a control transfer of %d bytes is too long", len(data))
	}
	t := transfer{Type: requestType, Request: number, Value: value, Index: index, Length: uint16(len(data))}
	if !t.reads() {
		t.Data = data
	}
	answer, err := h.ask(ctx, request{Do: doControl, Transfer: &t})
	if err != nil {
		return 0, err
	}
	copy(data, answer.Data)
	return answer.Moved, nil
}

// longestBulk is as much as goes over in one bulk transfer.
const longestBulk = 64 << 10

// Bulk makes one bulk transfer. If ctx ends first the handle is closed.
func (h usbHandle) Bulk(ctx context.Context, endpoint uint8, data []byte) (int, error) {
	if len(data) > longestBulk {
		return 0, fmt.Errorf("a bulk transfer of %d bytes is too long", len(data))
	}
	b := bulk{Endpoint: endpoint, Length: len(data)}
	if !b.reads() {
		b.Data = data
	}
	answer, err := h.ask(ctx, request{Do: doBulk, Bulk: &b})
	if err != nil {
		return 0, err
	}
	copy(data, answer.Data)
	return answer.Moved, nil
}

// ask makes a request that ends with ctx.
func (h usbHandle) ask(ctx context.Context, r request) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = h.link.conn.Close() }) // the transfer reports it
	defer stop()
	answer, err := h.link.ask(r)
	if err != nil && ctx.Err() != nil {
		return reply{}, ctx.Err()
	}
	return answer, err
}

// SelectAlt makes alt the current alternate setting of interface 0.
func (h usbHandle) SelectAlt(ctx context.Context, alt uint8) error {
	const toInterface, setInterface = 0x01, 11
	_, err := h.Control(ctx, toInterface, setInterface, uint16(alt), 0, nil)
	return err
}

// Close lets the device go.
func (h usbHandle) Close() error { return h.link.close() }

// remotePin is a pin over a connection of its own: if this process dies, the
// connection does, and the bench makes the pin an input.
type remotePin struct{ link *link }

// OpenPin takes a pin by its line name, as an input.
func (c *Client) OpenPin(name string) (Pin, error) {
	opened, _, err := c.open(context.Background(), request{Do: doOpenPin, Name: name})
	if err != nil {
		return nil, err
	}
	return remotePin{opened}, nil
}

// Low drives the pin low.
func (p remotePin) Low() error { return p.ask(doLow) }

// High drives the pin high.
func (p remotePin) High() error { return p.ask(doHigh) }

// Input lets the pin go.
func (p remotePin) Input() error { return p.ask(doInput) }

// Close makes the pin an input and gives it back, and waits for both.
func (p remotePin) Close() error { return errors.Join(p.ask(doClose), p.link.close()) }

func (p remotePin) ask(what do) error {
	_, err := p.link.ask(request{Do: what})
	return err
}
