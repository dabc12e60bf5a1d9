package dfutest

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"duogateway/dfu"
)

var recoveryCases = []testCase{
	{"opened in any state", testAnyState},
	{"a stall is told as one", testStall},
	{"canceled before", testCanceledBefore},
	{"canceled between blocks", testCanceledBetween},
	{"canceled during an erase", testCanceledDuring},
}

// wire sends bare class requests.
type wire struct {
	t   *testing.T
	bus dfu.Transport
}

// send makes one request; errors are the board's business.
func (w wire) send(request uint8, block uint16, data []byte) error {
	_, err := w.bus.Control(w.t.Context(), 0x21, request, block, 0, data)
	return err
}

func (w wire) receive(request uint8, block uint16, data []byte) error {
	_, err := w.bus.Control(w.t.Context(), 0xA1, request, block, 0, data)
	return err
}

func (w wire) status() error { return w.receive(dfu.RequestGetStatus, 0, make([]byte, 6)) }

func (w wire) setAddress(addr uint32) error {
	frame := binary.LittleEndian.AppendUint32([]byte{0x21}, addr)
	return errors.Join(w.send(dfu.RequestDnload, 0, frame), w.status(), w.status())
}

// ways lead a board from dfuIDLE to the states in which a host may have left it.
var ways = []struct {
	state string
	lead  func(w wire, area Area) error
}{
	{"dfuIDLE", func(wire, Area) error { return nil }},
	{"dfuDNLOAD-IDLE", func(w wire, area Area) error { return w.setAddress(area.Addr) }},
	{"a pending erase", func(w wire, area Area) error {
		return w.send(dfu.RequestDnload, 0, binary.LittleEndian.AppendUint32([]byte{0x41}, area.Addr))
	}},
	{"a pending write", func(w wire, area Area) error {
		return errors.Join(w.setAddress(area.Addr), w.send(dfu.RequestDnload, 2, make([]byte, 64)))
	}},
	{"dfuUPLOAD-IDLE", func(w wire, area Area) error {
		return errors.Join(w.setAddress(area.Addr), w.send(dfu.RequestAbort, 0, nil),
			w.receive(dfu.RequestUpload, 2, make([]byte, 64)))
	}},
	{"a pending leave", func(w wire, _ Area) error { return w.send(dfu.RequestDnload, 2, nil) }},
	{"CLRSTATUS without an error", func(w wire, _ Area) error { return w.send(dfu.RequestClrStatus, 0, nil) }},
	{"a refused upload", func(w wire, area Area) error {
		return mustFail(w.setAddress(area.Addr), w.receive(dfu.RequestUpload, 2, make([]byte, 64)))
	}},
	{"an upload of block 1", func(w wire, _ Area) error {
		return mustFail(nil, w.receive(dfu.RequestUpload, 1, make([]byte, 64)))
	}},
	{"an unknown command", func(w wire, _ Area) error {
		return mustFail(w.send(dfu.RequestDnload, 0, []byte{0x92}), w.status())
	}},
}

// mustFail turns round the second of two errors.
func mustFail(before, err error) error {
	if before != nil {
		return before
	}
	if err == nil {
		return errors.New("a request that must stall did not")
	}
	return nil
}

// testAnyState leaves the board in each state and opens it by a new handle. It
// works then, and nothing that was pending has been done.
func testAnyState(t *testing.T, b *bench) {
	area := b.Flash[0]
	var data []byte
	b.use(t, func(device *dfu.Device) { data = fill(t, device, area) })
	for _, way := range ways {
		bus := b.raw(t, area.Alt)
		if err := way.lead(wire{t, bus}, area); err != nil {
			t.Errorf("lead the board to %s: %v", way.state, err)
		}
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
		b.use(t, func(device *dfu.Device) {
			got := read(t, device, area.Alt, area.Addr, area.Length)
			differ(t, "after "+way.state, got, data)
		})
	}
}

// testStall looks at the transport alone: a stall is Stalled and not Gone, and
// the next request works.
func testStall(t *testing.T, b *bench) {
	bus := b.raw(t, b.Flash[0].Alt)
	defer func() { _ = bus.Close() }()
	w := wire{t, bus}
	for what, err := range map[string]error{
		"upload in dfuDNLOAD-IDLE":   errors.Join(w.setAddress(b.Flash[0].Addr), w.receive(dfu.RequestUpload, 2, make([]byte, 64))),
		"no such alternate setting":  bus.SelectAlt(t.Context(), 200),
		"no such descriptor":         errorOfLength(bus.Control(t.Context(), 0x80, 6, 0x0F00, 0, make([]byte, 64))),
		"no such class request":      errorOfLength(bus.Control(t.Context(), 0xA1, 0x7F, 0, 0, make([]byte, 1))),
		"status of an unknown order": errors.Join(w.send(dfu.RequestAbort, 0, nil), w.send(dfu.RequestDnload, 0, []byte{0x92}), w.status()),
	} {
		var stalled interface{ Stalled() bool }
		var gone interface{ Gone() bool }
		if !errors.As(err, &stalled) || !stalled.Stalled() {
			t.Errorf("%s: %v, want a stall", what, err)
		}
		if errors.As(err, &gone) && gone.Gone() {
			t.Errorf("%s: the device is told gone", what)
		}
	}
	if err := w.status(); err != nil {
		t.Errorf("after the stalls: %v", err)
	}
}

func errorOfLength(_ int, err error) error { return err }

func testCanceledBefore(t *testing.T, b *bench) {
	device, _ := b.open(t)
	area := b.Flash[0]
	data := fill(t, device, area)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{
		"read":  errorOf(device.Read(ctx, area.Alt, area.Addr, area.Length, nil)),
		"write": device.Write(ctx, area.Alt, area.Addr, make([]byte, area.Length), nil),
		"erase": device.Erase(ctx, area.Alt, area.Addr, area.Length, nil),
		"leave": device.Leave(ctx),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want canceled", what, err)
		}
	}
	differ(t, "after it", read(t, device, area.Alt, area.Addr, area.Length), data)
}

func testCanceledBetween(t *testing.T, b *bench) {
	device, _ := b.open(t)
	area := b.Flash[0]
	data := fill(t, device, area)
	for what, operate := range map[string]func(ctx context.Context, progress dfu.Progress) error{
		"read": func(ctx context.Context, progress dfu.Progress) error {
			return errorOf(device.Read(ctx, area.Alt, area.Addr, area.Length, progress))
		},
		"write": func(ctx context.Context, progress dfu.Progress) error {
			return device.Write(ctx, area.Alt, area.Addr, data, progress)
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		err := operate(ctx, func(int, int) { calls++; cancel() })
		cancel()
		if !errors.Is(err, context.Canceled) || calls != 1 {
			t.Errorf("%s: %v after %d blocks, want canceled after 1", what, err, calls)
		}
		differ(t, "after a canceled "+what, read(t, device, area.Alt, area.Addr, area.Length), data)
	}
}

// testCanceledDuring ends the context in the middle of a transfer, which must
// return soon; the board may need its time, but works again afterwards.
func testCanceledDuring(t *testing.T, b *bench) {
	device, _ := b.open(t)
	area := b.Flash[0]
	fill(t, device, area)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	timer := time.AfterFunc(20*time.Millisecond, cancel)
	defer timer.Stop()
	if err := eraseUntilError(ctx, device, area); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want canceled", err)
	}
	erase(t, device, area)
	differ(t, "erased afterwards", read(t, device, area.Alt, area.Addr, area.Length), blank(area.Length))
}

// eraseUntilError erases again and again; a transfer is under way nearly all
// the time.
func eraseUntilError(ctx context.Context, device *dfu.Device, area Area) error {
	for range 1000 {
		if err := device.Erase(ctx, area.Alt, area.Addr, area.Length, nil); err != nil {
			return err
		}
	}
	return errors.New("erased a thousand times without an error")
}
