package usb

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/gousb"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
)

// plainBus is a bus with a board in memory, which leaves like a real one: a
// transfer fails with an error of libusb, and the bus shows it later.
type plainBus struct {
	*fakeBus
	plain   *dfutest.Plain
	address int
	failure error
	late    time.Duration
}

// plug puts the board on the bus, with a new address.
func (p *plainBus) plug() {
	p.plain.Plug()
	stay, err := p.plain.Open()
	if err != nil {
		p.t.Error(err)
		return
	}
	p.address++
	here := board("1-1.4", p.address)
	serve := func(r request, timeout time.Duration) (int, error) {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		n, err := transferTo(ctx, stay, r)
		if isGone(err) {
			time.AfterFunc(p.late, func() { p.set(func(b *fakeBus) { b.plugged = nil }) })
		}
		return n, p.asLibusb(err)
	}
	p.set(func(b *fakeBus) { b.plugged, b.serve = []device{here}, serve })
}

func (p *plainBus) replug() {
	time.Sleep(p.late + time.Second)
	p.plug()
}

// asLibusb turns the errors of a board in memory into those of libusb.
func (p *plainBus) asLibusb(err error) error {
	switch {
	case isStalled(err):
		return gousb.ErrorPipe
	case isGone(err):
		return p.failure
	case errors.Is(err, context.DeadlineExceeded):
		return gousb.ErrorTimeout
	}
	return err
}

func transferTo(ctx context.Context, stay dfu.Transport, r request) (int, error) {
	if r.requestType == toInterface && r.request == setInterface {
		return 0, stay.SelectAlt(ctx, uint8(r.value))
	}
	return stay.Control(ctx, r.requestType, r.request, r.value, r.index, r.data)
}

func openFirst(ctx context.Context, b *Bus) (dfu.Transport, error) {
	attached, err := b.Attachments(ctx)
	if err != nil {
		return nil, err
	}
	if len(attached) != 1 {
		return nil, errAbsent
	}
	return b.Open(ctx, attached[0])
}

// The conformance suite over everything but libusb itself.
func TestSuite(t *testing.T) {
	for name, leaving := range map[string]struct {
		failure error
		late    time.Duration
	}{
		"the kernel tells first": {gousb.ErrorNoDevice, 0},
		"the wire fails first":   {gousb.ErrorIO, 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			dfutest.BubbleSuite(t, func(t *testing.T) dfutest.Fixture {
				b, native := newFake(t)
				p := &plainBus{fakeBus: native, plain: dfutest.NewPlain(), failure: leaving.failure, late: leaving.late}
				p.plug()
				return dfutest.Fixture{
					Open:   func() (dfu.Transport, error) { return openFirst(t.Context(), b) },
					Flash:  []dfutest.Area{{Alt: 0, Addr: 0x08001000, Length: 4 << 10}},
					Record: []dfutest.Area{{Alt: 1, Addr: 34, Length: 1000}},
					Unplug: p.plain.Unplug,
					Replug: p.replug,
				}
			})
		})
	}
}
