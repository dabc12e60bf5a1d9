package usb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/google/gousb"

	"duogateway/dfu"
)

// The time that libusb gives a transfer. The slowest that boards do in one is
// erasing 128 KiB, 2 s at the most (STM32F205 datasheet, table 38).
const (
	// longest is the most, and what a transfer without a deadline gets.
	longest = time.Minute
	// grace lets the context of a transfer end first, so that running out of
	// time looks the same whoever notices it.
	grace = 500 * time.Millisecond
)

// transport is an open device. A goroutine owns the handle: it takes one order
// after the other, and closes the handle when it is told to.
type transport struct {
	bus    native
	device device

	orders  chan order
	closing chan struct{} // closed to end the owner
	ended   chan struct{} // closed when it has ended
	end     func()        // closes closing, once
	err     error         // of closing the handle, when ended
}

var _ dfu.Transport = (*transport)(nil)

// order is a transfer to make until a time, the zero time for none given. The
// data is the owner's until it has replied: nobody may wait for the reply.
type order struct {
	request
	deadline time.Time
	reply    chan<- reply // with room for one
}

type reply struct {
	n   int
	err error
}

// open opens a device and returns at once when ctx ends.
func open(ctx context.Context, bus native, d device) (*transport, error) {
	t := &transport{
		bus: bus, device: d,
		orders:  make(chan order),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	t.end = sync.OnceFunc(func() { close(t.closing) })
	opened := make(chan error, 1)
	go t.own(opened)
	select {
	case err := <-opened:
		if err != nil {
			return nil, err
		}
		return t, nil
	case <-ctx.Done():
		t.end()
		return nil, ctx.Err()
	}
}

// own opens the device, serves it and closes it.
func (t *transport) own(opened chan<- error) {
	defer close(t.ended)
	h, err := t.bus.open(t.device)
	opened <- err
	if err != nil {
		return
	}
	for {
		select {
		case o := <-t.orders:
			n, err := h.control(o.request, timeLeft(o.deadline))
			o.reply <- reply{n, err}
		case <-t.closing:
			t.err = h.close()
			return
		}
	}
}

// timeLeft is what libusb is given for a transfer.
func timeLeft(deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return longest
	}
	return min(max(time.Until(deadline), 0)+grace, longest)
}

// Control makes one control transfer and returns how many bytes moved. It
// blocks as long as the device takes. When ctx ends it returns at once; the
// device goes on, and the next request waits for it. Errors are ctx.Err(), or
// have Stalled() or Gone() where that is known.
func (t *transport) Control(ctx context.Context, requestType, kind uint8, value, index uint16, data []byte) (int, error) {
	if len(data) > math.MaxUint16 {
		return 0, fmt.Errorf("usb: a control transfer of %d bytes is too long", len(data))
	}
	r := request{requestType, kind, value, index, make([]byte, len(data))}
	if !r.reads() {
		copy(r.data, data)
	}
	n, err := t.transfer(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("usb: %s: %w", t.device.port, t.classify(ctx, err))
	}
	if r.reads() {
		copy(data, r.data[:n])
	}
	return n, nil
}

// transfer has the owner make a transfer.
func (t *transport) transfer(ctx context.Context, r request) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	deadline, _ := ctx.Deadline()
	done := make(chan reply, 1)
	select {
	case t.orders <- order{r, deadline, done}:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-t.closing:
		return 0, errClosed
	}
	select {
	case made := <-done:
		return made.n, made.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// classify gives the error of a transfer its kind. libusb has one error for
// all that goes wrong on the wire, and a pulled plug is among it.
func (t *transport) classify(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, gousb.ErrorPipe):
		return &fault{err: err, stalled: true}
	case errors.Is(err, gousb.ErrorNoDevice):
		return gone(err)
	case errors.Is(err, gousb.ErrorIO), errors.Is(err, gousb.ErrorOther):
		return judge(ctx, t.bus, t.device, err)
	}
	return err
}

// SET_INTERFACE of USB 2.0 section 9.4.10.
const (
	toInterface  = 0x01
	setInterface = 11
)

// SelectAlt sends SET_INTERFACE itself. libusb has a call for it, which tells
// the kernel too, but through the binding it means letting the interface go
// and claiming it again: in between another program may take it and the kernel
// selects setting 0, and a refusal cannot be told from other errors. What the
// kernel keeps of a setting is its endpoints, and a DFU interface has none
// (DFU 1.1 section 4.2.3). Claiming, at the next opening, selects setting 0
// everywhere.
func (t *transport) SelectAlt(ctx context.Context, alt uint8) error {
	_, err := t.Control(ctx, toInterface, setInterface, uint16(alt), 0, nil)
	return err
}

// Close lets the device go. After a transfer that was given up it first waits
// for its end, which is never later than the time for it.
func (t *transport) Close() error {
	t.end()
	<-t.ended
	if t.err != nil {
		return fmt.Errorf("usb: close %s: %w", t.device.port, t.err)
	}
	return nil
}
