package dfu_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
)

var errLost = errors.New("lost somewhere")

// hostile is a transport whose replies are told by bytes, which repeat for
// ever. It does not even keep to the contract of a Transport about how many
// bytes moved.
type hostile struct {
	t         *testing.T
	bytes     []byte
	next      int
	honest    bool // answers requests for descriptors soundly
	transfers int
}

// Far more transfers than sound use of the fuzzed operations can need.
const hostileTransfers = 2_000_000

func (h *hostile) byte() byte {
	if len(h.bytes) == 0 {
		return 0
	}
	b := h.bytes[h.next%len(h.bytes)]
	h.next++
	return b
}

func (h *hostile) Control(ctx context.Context, requestType, request uint8, value, _ uint16, data []byte) (int, error) {
	if h.transfers++; h.transfers > hostileTransfers {
		h.t.Fatal("the host never stops")
	}
	if h.honest && requestType&0x60 == 0 {
		return scripted().Answer(requestType, request, value, data)
	}
	return h.answer(ctx, requestType, data)
}

func (h *hostile) answer(ctx context.Context, requestType uint8, data []byte) (int, error) {
	switch h.byte() % 16 {
	case 1:
		return 0, dfutest.Stall
	case 2:
		return 0, dfutest.Gone
	case 3:
		return 0, errLost
	case 4:
		<-ctx.Done()
		return 0, ctx.Err()
	case 5:
		time.Sleep(time.Duration(h.byte()) * 20 * time.Millisecond)
	case 6:
		h.fill(requestType, data)
		return int(int8(h.byte())), nil
	case 7:
		h.fill(requestType, data)
		return len(data) + 1, nil
	}
	h.fill(requestType, data)
	return len(data), nil
}

func (h *hostile) fill(requestType uint8, data []byte) {
	if requestType&0x80 == 0 {
		return
	}
	for i := range data {
		data[i] = h.byte()
	}
}

func (h *hostile) SelectAlt(ctx context.Context, _ uint8) error {
	_, err := h.answer(ctx, 0, nil)
	return err
}

func (h *hostile) Close() error { return nil }

// kinds are all that an error of the package may be.
func kind(err error) bool {
	var reported *dfu.StatusError
	for _, known := range []error{
		dfu.ErrRefused, dfu.ErrStalled, dfu.ErrGone, dfu.ErrTimeout, dfu.ErrProtocol, dfu.ErrMismatch, errLost,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return err == nil || errors.As(err, &reported)
}

// FuzzHostileDevice: whatever a device replies, no operation panics, goes on
// for ever or fails without telling how.
func FuzzHostileDevice(f *testing.F) {
	f.Add(false, []byte{})
	f.Add(true, []byte{})
	f.Add(true, []byte{0, 2, 0, 0, 0, 0, 5, 0, 0})    // idle, then nonsense
	f.Add(true, []byte{0, 10, 0, 0, 0, 0, 0, 10, 0})  // never leaves the error
	f.Add(true, []byte{0, 2, 0, 0, 0, 0, 4, 0, 0, 4}) // busy for ever
	f.Add(true, []byte{8, 2, 8, 8, 2, 0, 0, 0, 5, 0, 8, 8})
	f.Add(true, []byte{2, 2, 2, 2, 2, 2, 2, 2, 2, 4, 2})
	f.Add(true, []byte{6, 2, 1, 7, 9, 4, 5, 255})
	f.Add(false, append([]byte{0}, scriptedDevice()...))
	f.Fuzz(func(t *testing.T, honest bool, replies []byte) {
		synctest.Test(t, func(t *testing.T) { abuse(t, &hostile{t: t, bytes: replies, honest: honest}) })
	})
}

// scriptedDevice is the device descriptor of a sound device.
func scriptedDevice() []byte {
	var device [18]byte
	_, _ = scripted().Answer(0x80, 6, 0x0100, device[:])
	return device[:]
}

// abuse tries every operation. In fake time all of it together may take some
// hours: some hundred transfers, each of which may time out.
func abuse(t *testing.T, bus *hostile) {
	start := time.Now()
	defer func() {
		if took := time.Since(start); took > 6*time.Hour {
			t.Errorf("took %v", took)
		}
	}()
	device, err := dfu.Open(t.Context(), bus, dfu.Options{Limit: anywhere})
	if !kind(err) {
		t.Errorf("open: unknown kind of error: %v", err)
	}
	if err != nil {
		return
	}
	for _, alt := range device.Info().Alts {
		for _, segment := range alt.Layout.Segments {
			abuseSegment(t, device, alt.Number, segment)
		}
	}
	if err := device.Leave(t.Context()); !kind(err) {
		t.Errorf("leave: unknown kind of error: %v", err)
	}
}

func abuseSegment(t *testing.T, device *dfu.Device, alt uint8, segment dfu.Segment) {
	ctx := t.Context()
	length := min(200, segment.SectorSize)
	data, err := device.ReadFresh(ctx, alt, segment.Addr, length, nil)
	if !kind(err) || err == nil && len(data) != length {
		t.Errorf("read: %d bytes, %v", len(data), err)
	}
	for what, err := range map[string]error{
		"write":   device.Write(ctx, alt, segment.Addr, make([]byte, length), nil),
		"erase":   device.Erase(ctx, alt, segment.Addr, 1, nil),
		"program": device.Program(ctx, alt, segment.Addr, make([]byte, length), nil),
	} {
		if !kind(err) {
			t.Errorf("%s: unknown kind of error: %v", what, err)
		}
	}
}
