//go:build guest

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"duogateway/dfu"
	"duogateway/dfu/usb"
)

// host is our side. Like the daemon it runs already when there is work to do,
// and keeps nothing open between.
type host struct {
	bus  *usb.Bus
	port string
}

// session finds the board, opens it, does the work and lets it go.
func (h host) session(ctx context.Context, work func(*dfu.Device) error) error {
	seen, err := h.bus.Attachments(ctx)
	if err != nil {
		return err
	}
	for _, a := range seen {
		if a.Port == h.port {
			return h.with(ctx, a, work)
		}
	}
	return fmt.Errorf("no board on port %s: %v", h.port, seen)
}

func (h host) with(ctx context.Context, a dfu.Attachment, work func(*dfu.Device) error) error {
	transport, err := h.bus.Open(ctx, a)
	if err != nil {
		return err
	}
	anywhere := func(uint8, uint32, int) error { return nil } // the board is a virtual one
	device, err := dfu.Open(ctx, transport, dfu.Options{Limit: anywhere})
	if err != nil {
		return errors.Join(err, transport.Close())
	}
	return errors.Join(work(device), device.Close())
}

// read reads a range.
func (h host) read(ctx context.Context, from place, length int) (got []byte, err error) {
	err = h.session(ctx, func(d *dfu.Device) (err error) {
		got, err = d.Read(ctx, from.alt, from.addr, length, nil)
		return err
	})
	return got, err
}

// write erases and writes, and reads nothing back.
func (h host) write(ctx context.Context, to place, data []byte) error {
	return h.session(ctx, func(d *dfu.Device) error {
		if err := d.Erase(ctx, to.alt, to.addr, len(data), nil); err != nil {
			return err
		}
		return d.Write(ctx, to.alt, to.addr, data, nil)
	})
}

// program erases, writes and reads back.
func (h host) program(ctx context.Context, to place, data []byte) error {
	return h.session(ctx, func(d *dfu.Device) error {
		return d.Program(ctx, to.alt, to.addr, data, nil)
	})
}

// repair backs a range up, writes a block and reads that back.
func (h host) repair(ctx context.Context, from place, length int, to place, block []byte) (backup []byte, err error) {
	err = h.session(ctx, func(d *dfu.Device) (err error) {
		if backup, err = d.Read(ctx, from.alt, from.addr, length, nil); err != nil {
			return err
		}
		if err := d.Write(ctx, to.alt, to.addr, block, nil); err != nil {
			return err
		}
		got, err := d.ReadFresh(ctx, to.alt, to.addr, len(block), nil)
		if err == nil && !bytes.Equal(got, block) {
			err = dfu.ErrMismatch
		}
		return err
	})
	return backup, err
}
