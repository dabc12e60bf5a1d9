package dfu_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
)

// blockSize is wTransferSize of the scripted device.
const blockSize = 64

func scripted() dfutest.Descriptors {
	return dfutest.Descriptors{
		Vendor: 0x2B04, Product: 0xD058, Device: 0x0250,
		Strings:      [3]string{"RedBear", "Duo DFU Mode", "0123456789abcdef01234567"},
		TransferSize: blockSize,
		Layouts:      []string{"@Flash /0x1000/04*128Bg", "@Record /0x0/01*128Bg"},
	}
}

func anywhere(uint8, uint32, int) error { return nil }

// in is an exchange that replies, out is one that sends.
func in(request uint8, value uint16, reply ...byte) dfutest.Exchange {
	return dfutest.Exchange{Request: request, Value: value, Reply: reply}
}

func out(request uint8, value uint16, sent ...byte) dfutest.Exchange {
	return dfutest.Exchange{Request: request, Value: value, Sent: sent}
}

func state(s dfu.State) dfutest.Exchange { return in(dfu.RequestGetState, 0, byte(s)) }

// status replies to a GETSTATUS with a status, a poll time and a state.
func status(code byte, poll int, s dfu.State) dfutest.Exchange {
	return in(dfu.RequestGetStatus, 0, code, byte(poll), byte(poll>>8), byte(poll>>16), byte(s), 0)
}

var (
	idle  = state(dfu.StateIdle)
	abort = out(dfu.RequestAbort, 0)
	busy  = status(0, 0, dfu.StateDnbusy)
	done  = status(0, 0, dfu.StateDnloadIdle)
	clr   = out(dfu.RequestClrStatus, 0)
)

func failing(request uint8, value uint16, err error) dfutest.Exchange {
	return dfutest.Exchange{Request: request, Value: value, Err: err}
}

// setAddress is the whole of a SET_ADDRESS command.
func setAddress(addr ...byte) []dfutest.Exchange {
	return []dfutest.Exchange{out(dfu.RequestDnload, 0, append([]byte{0x21}, addr...)...), busy, done}
}

func eraseSector(addr ...byte) []dfutest.Exchange {
	return []dfutest.Exchange{out(dfu.RequestDnload, 0, append([]byte{0x41}, addr...)...), busy, done}
}

// play runs an operation against a script in fake time and returns its error
// and how long it took.
func play(t *testing.T, operate func(context.Context, *dfu.Device) error, parts ...[]dfutest.Exchange) (time.Duration, error) {
	t.Helper()
	var err error
	var took time.Duration
	synctest.Test(t, func(t *testing.T) {
		script := dfutest.NewScript(t, scripted(), slices.Concat(append([][]dfutest.Exchange{{idle}}, parts...)...)...)
		device, openErr := dfu.Open(t.Context(), script, dfu.Options{Limit: anywhere})
		if openErr != nil {
			t.Fatal(openErr)
		}
		start := time.Now()
		err = operate(t.Context(), device)
		took = time.Since(start)
	})
	return took, err
}

func one(exchanges ...dfutest.Exchange) []dfutest.Exchange { return exchanges }

func counting(length int) []byte {
	data := make([]byte, length)
	for i := range data {
		data[i] = byte(i)
	}
	return data
}

// TestReadTrace: SET_ADDRESS, ABORT, then blocks 2, 3 and so on, of which the
// last one is as short as what is left.
func TestReadTrace(t *testing.T) {
	data := counting(2*blockSize + 5)
	_, err := play(t, func(ctx context.Context, device *dfu.Device) error {
		got, err := device.Read(ctx, 0, 0x1003, len(data), nil)
		if err == nil && !bytes.Equal(got, data) {
			t.Errorf("read % x", got)
		}
		return err
	}, one(idle), setAddress(0x03, 0x10, 0, 0), one(abort,
		in(dfu.RequestUpload, 2, data[:blockSize]...),
		in(dfu.RequestUpload, 3, data[blockSize:2*blockSize]...),
		in(dfu.RequestUpload, 4, data[2*blockSize:]...), abort))
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadFreshTrace: a block behind the range is read first.
func TestReadFreshTrace(t *testing.T) {
	block := counting(blockSize)
	for _, c := range []struct {
		what    string
		addr    uint32
		length  int
		decoy   byte // low byte of the address read first
		decoyed int
	}{
		{"behind", 0x0, 10, 10, blockSize},
		{"before", 100, 28, 36, blockSize},
		{"the range itself", 0, 128, 64, blockSize},
		{"a short range itself", 50, 30, 50, 30},
	} {
		read := func(addr byte, length int) []dfutest.Exchange {
			list := slices.Concat(one(idle), setAddress(addr, 0, 0, 0), one(abort))
			number := uint16(2)
			for ; length > 0; length -= blockSize {
				list = append(list, in(dfu.RequestUpload, number, block[:min(length, blockSize)]...))
				number++
			}
			return append(list, abort)
		}
		_, err := play(t, func(ctx context.Context, device *dfu.Device) error {
			_, err := device.ReadFresh(ctx, 1, c.addr, c.length, nil)
			return err
		}, read(c.decoy, c.decoyed), read(byte(c.addr), c.length))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

// TestWriteTrace: every block is preceded by its address and is number 2; a
// write that fits is one block.
func TestWriteTrace(t *testing.T) {
	data := counting(blockSize + 3)
	_, err := play(t, func(ctx context.Context, device *dfu.Device) error {
		return device.Write(ctx, 0, 0x1080, data, nil)
	}, one(idle),
		setAddress(0x80, 0x10, 0, 0), one(out(dfu.RequestDnload, 2, data[:blockSize]...), busy, done),
		setAddress(0xC0, 0x10, 0, 0), one(out(dfu.RequestDnload, 2, data[blockSize:]...), busy, done))
	if err != nil {
		t.Fatal(err)
	}
	_, err = play(t, func(ctx context.Context, device *dfu.Device) error {
		return device.Write(ctx, 1, 34, data[:blockSize], nil)
	}, one(idle), setAddress(34, 0, 0, 0), one(out(dfu.RequestDnload, 2, data[:blockSize]...), busy, done))
	if err != nil {
		t.Fatal(err)
	}
}

// TestEraseTrace: each sector that holds a byte of the range, by its address.
func TestEraseTrace(t *testing.T) {
	_, err := play(t, func(ctx context.Context, device *dfu.Device) error {
		return device.Erase(ctx, 0, 0x10FF, 2, nil)
	}, one(idle), eraseSector(0x80, 0x10, 0, 0), eraseSector(0x00, 0x11, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
}

// TestLeaveTrace: a zero-length DNLOAD and the GETSTATUS that it needs; then
// the device is looked at until it is gone, and other errors are part of that.
func TestLeaveTrace(t *testing.T) {
	leave := func(ctx context.Context, device *dfu.Device) error { return device.Leave(ctx) }
	zero := out(dfu.RequestDnload, 2)
	gone := failing(dfu.RequestGetState, 0, dfutest.Gone)
	for what, after := range map[string][]dfutest.Exchange{
		"at once":   one(failing(dfu.RequestGetStatus, 0, dfutest.Gone)),
		"later":     one(done, state(dfu.StateManifestWaitReset), failing(dfu.RequestGetState, 0, errors.New("lost")), gone),
		"manifests": one(status(0, 0, dfu.StateManifest), failing(dfu.RequestGetState, 0, dfutest.Stall), gone),
	} {
		if _, err := play(t, leave, one(idle, zero), after); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := play(t, leave, one(idle, zero, failing(dfu.RequestGetStatus, 0, dfutest.Stall)))
	if !errors.Is(err, dfu.ErrStalled) {
		t.Errorf("stalled: %v", err)
	}
	_, err = play(t, leave, one(idle, zero, status(7, 0, dfu.StateError)))
	if reported := (*dfu.StatusError)(nil); !errors.As(err, &reported) || reported.Status != 7 {
		t.Errorf("reported: %v", err)
	}
	stays := slices.Repeat(one(state(dfu.StateManifestWaitReset)), 100)
	took, err := play(t, leave, one(idle, zero, done), stays)
	if !errors.Is(err, dfu.ErrTimeout) || took < 4*time.Second || took > 6*time.Second {
		t.Errorf("stays: %v after %v", err, took)
	}
}

// TestFailedWrites: what must make a write fail, and that nothing is sent
// after it.
func TestFailedWrites(t *testing.T) {
	data := counting(blockSize)
	sent := out(dfu.RequestDnload, 2, data...)
	for what, c := range map[string]struct {
		after []dfutest.Exchange
		want  error
	}{
		"stalled status":   {one(sent, failing(dfu.RequestGetStatus, 0, dfutest.Stall)), dfu.ErrStalled},
		"stalled later":    {one(sent, busy, failing(dfu.RequestGetStatus, 0, dfutest.Stall)), dfu.ErrStalled},
		"stalled download": {one(failing(dfu.RequestDnload, 2, dfutest.Stall)), dfu.ErrStalled},
		"gone":             {one(sent, failing(dfu.RequestGetStatus, 0, dfutest.Gone)), dfu.ErrGone},
		"short status":     {one(sent, in(dfu.RequestGetStatus, 0, 0, 0, 0, 0, 5)), dfu.ErrProtocol},
		"empty status":     {one(sent, in(dfu.RequestGetStatus, 0)), dfu.ErrProtocol},
		"absurd poll time": {one(sent, status(0, 0xFFFFFF, dfu.StateDnbusy)), dfu.ErrProtocol},
		"idle at once":     {one(sent, status(0, 0, dfu.StateIdle)), dfu.ErrProtocol},
		"uploading":        {one(sent, status(0, 0, dfu.StateUploadIdle)), dfu.ErrProtocol},
		"unknown state":    {one(sent, status(0, 0, 0x77)), dfu.ErrProtocol},
		"another error":    {one(sent, failing(dfu.RequestGetStatus, 0, errLost)), errLost},
	} {
		_, err := play(t, func(ctx context.Context, device *dfu.Device) error {
			return device.Write(ctx, 0, 0x1000, data, nil)
		}, one(idle), setAddress(0, 0x10, 0, 0), c.after)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

// TestFailedReads: a read that brings fewer bytes than asked for is no read.
func TestFailedReads(t *testing.T) {
	block := counting(blockSize)
	for what, c := range map[string]struct {
		after []dfutest.Exchange
		want  error
	}{
		"short block":   {one(in(dfu.RequestUpload, 2, block[:blockSize-1]...)), dfu.ErrProtocol},
		"empty block":   {one(in(dfu.RequestUpload, 2)), dfu.ErrProtocol},
		"short second":  {one(in(dfu.RequestUpload, 2, block...), in(dfu.RequestUpload, 3, 1, 2)), dfu.ErrProtocol},
		"stalled":       {one(failing(dfu.RequestUpload, 2, dfutest.Stall)), dfu.ErrStalled},
		"gone":          {one(in(dfu.RequestUpload, 2, block...), failing(dfu.RequestUpload, 3, dfutest.Gone)), dfu.ErrGone},
		"another error": {one(failing(dfu.RequestUpload, 2, errLost)), errLost},
	} {
		_, err := play(t, func(ctx context.Context, device *dfu.Device) error {
			data, err := device.Read(ctx, 0, 0x1000, blockSize+3, nil)
			if data != nil {
				t.Errorf("%s: %d bytes in spite of the error", what, len(data))
			}
			return err
		}, one(idle), setAddress(0, 0x10, 0, 0), one(abort), c.after)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
}

// TestReportedErrors: a status that is not OK is a failure in any state.
func TestReportedErrors(t *testing.T) {
	for _, reply := range []dfutest.Exchange{status(3, 0, dfu.StateError), status(3, 0, dfu.StateDnloadIdle), status(0, 0, dfu.StateError)} {
		_, err := play(t, func(ctx context.Context, device *dfu.Device) error {
			return device.Erase(ctx, 0, 0x1000, 1, nil)
		}, one(idle, out(dfu.RequestDnload, 0, 0x41, 0, 0x10, 0, 0), reply))
		reported := (*dfu.StatusError)(nil)
		if !errors.As(err, &reported) || reported.Status != reply.Reply[0] || byte(reported.State) != reply.Reply[4] {
			t.Errorf("%v: %v", reply.Reply, err)
		}
	}
}

// TestPollTimes: a poll time is waited for, and a device that is busy for ever
// is given up, even if it asks for no time at all.
func TestPollTimes(t *testing.T) {
	erase := func(ctx context.Context, device *dfu.Device) error { return device.Erase(ctx, 0, 0x1000, 1, nil) }
	command := out(dfu.RequestDnload, 0, 0x41, 0, 0x10, 0, 0)
	took, err := play(t, erase, one(idle, command, status(0, 500, dfu.StateDnbusy), status(0, 1500, dfu.StateDnbusy), done))
	if err != nil || took != 2*time.Second {
		t.Errorf("took %v, %v, want 2s", took, err)
	}
	forever := slices.Repeat(one(status(0, 9000, dfu.StateDnbusy)), 8)
	if took, err := play(t, erase, one(idle, command), forever); !errors.Is(err, dfu.ErrTimeout) || took > 70*time.Second {
		t.Errorf("busy for ever: %v after %v", err, took)
	}
	for looks, want := range map[int]time.Duration{1: 0, 2: time.Millisecond, 3: 2 * time.Millisecond} {
		took, err := play(t, erase, one(idle, command), slices.Repeat(one(busy), looks), one(done))
		if err != nil || took != want {
			t.Errorf("busy at %d looks without a poll time: took %v, %v, want %v", looks, took, err, want)
		}
	}
	hasty := slices.Repeat(one(busy), 60_002)
	if took, err := play(t, erase, one(idle, command), hasty); !errors.Is(err, dfu.ErrTimeout) || took > 70*time.Second {
		t.Errorf("busy for ever without a poll time: %v after %v", err, took)
	}
}

// TestIdleFromAnyState is the way to dfuIDLE, request by request.
func TestIdleFromAnyState(t *testing.T) {
	inError := status(0x0E, 0, dfu.StateError)
	for what, c := range map[string]struct {
		exchanges []dfutest.Exchange
		want      error
	}{
		"idle":             {one(idle), nil},
		"download pending": {one(state(dfu.StateDnloadSync), abort, idle), nil},
		"leave pending":    {one(state(dfu.StateManifestSync), abort, idle), nil},
		"uploading":        {one(state(dfu.StateUploadIdle), abort, idle), nil},
		"error":            {one(state(dfu.StateError), inError, clr, idle), nil},
		"unknown state": {one(state(0x0F), status(0, 0, 0x0F), clr,
			state(dfu.StateError), inError, clr, idle), nil},
		"error that goes by itself": {one(state(dfu.StateError), done, state(dfu.StateDnloadIdle), abort, idle), nil},
		"busy":                      {one(state(dfu.StateDnbusy), state(dfu.StateDnbusy), idle), nil},
		"leaving":                   {one(state(dfu.StateManifestWaitReset), failing(dfu.RequestGetState, 0, dfutest.Gone)), dfu.ErrGone},
		"application":               {one(state(0)), dfu.ErrProtocol},
		"no state":                  {one(in(dfu.RequestGetState, 0)), dfu.ErrProtocol},
		"stays in error":            {slices.Repeat(one(state(dfu.StateError), inError, clr), 16), dfu.ErrProtocol},
		"stays busy":                {slices.Repeat(one(state(dfu.StateDnbusy)), 16), dfu.ErrProtocol},
	} {
		synctest.Test(t, func(t *testing.T) {
			script := dfutest.NewScript(t, scripted(), c.exchanges...)
			_, err := dfu.Open(t.Context(), script, dfu.Options{})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", what, err, c.want)
			}
		})
	}
}
