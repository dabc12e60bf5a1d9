package dfu_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
)

func TestInfo(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		descriptors := scripted()
		descriptors.HideFunctional = hidden
		script := dfutest.NewScript(t, descriptors, idle)
		device, err := dfu.Open(t.Context(), script, dfu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		info := device.Info()
		if info.Vendor != 0x2B04 || info.Product != 0xD058 || info.BCDDevice != 0x0250 || info.TransferSize != blockSize {
			t.Errorf("numbers: %+v", info)
		}
		if info.Manufacturer != "RedBear" || info.ProductName != "Duo DFU Mode" || info.Serial != "0123456789abcdef01234567" {
			t.Errorf("strings: %+v", info)
		}
		if len(info.Alts) != 2 || info.Alts[1].Number != 1 || info.Alts[0].Name != "@Flash /0x1000/04*128Bg" ||
			info.Alts[1].Layout.Name != "Record" {
			t.Errorf("alternate settings: %+v", info.Alts)
		}
	}
}

// altered is a transport whose replies a function may change.
type altered struct {
	dfu.Transport
	change func(requestType uint8, value uint16, reply []byte) (int, error)
}

func (a altered) Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	n, err := a.Transport.Control(ctx, requestType, request, value, index, data)
	if err != nil || requestType&0x80 == 0 {
		return n, err
	}
	return a.change(requestType, value, data[:n])
}

// TestBrokenDescriptors changes one thing in one descriptor.
func TestBrokenDescriptors(t *testing.T) {
	set := func(index int, value byte) func([]byte) int {
		return func(reply []byte) int {
			if index < len(reply) {
				reply[index] = value
			}
			return len(reply)
		}
	}
	cut := func(length int) func([]byte) int {
		return func(reply []byte) int { return min(length, len(reply)) }
	}
	for what, c := range map[string]struct {
		value  uint16 // descriptor type and number
		change func([]byte) int
	}{
		"short device":              {0x0100, cut(8)},
		"empty device":              {0x0100, cut(0)},
		"device of another type":    {0x0100, set(1, 2)},
		"device of another length":  {0x0100, set(0, 17)},
		"short configuration":       {0x0200, cut(30)},
		"huge configuration":        {0x0200, set(3, 0xFF)},
		"tiny configuration":        {0x0200, set(2, 4)},
		"endless descriptor":        {0x0200, set(9, 0)},
		"descriptor over the end":   {0x0200, set(27, 10)},
		"runtime mode":              {0x0200, set(16, 1)},
		"another class":             {0x0200, set(14, 3)},
		"alternate setting twice":   {0x0200, set(21, 0)},
		"no interface 0":            {0x0200, func(r []byte) int { set(11, 1)(r); return set(20, 1)(r) }},
		"plain DFU":                 {0x0200, set(34, 0x00)},
		"transfer size zero":        {0x0200, set(32, 0)},
		"no languages":              {0x0300, func(r []byte) int { r[0] = 2; return 2 }},
		"string longer than itself": {0x0301, set(0, 200)},
		"string of odd length":      {0x0301, set(0, 5)},
		"string of no length":       {0x0301, set(0, 0)},
		"string of another type":    {0x0303, set(1, 4)},
		"layout that is none":       {0x0304, set(2, 'x')},
	} {
		bus := altered{dfutest.NewScript(t, scripted()), func(requestType uint8, value uint16, reply []byte) (int, error) {
			if requestType != 0x80 || value != c.value {
				return len(reply), nil
			}
			return c.change(reply), nil
		}}
		if _, err := dfu.Open(t.Context(), bus, dfu.Options{}); !errors.Is(err, dfu.ErrProtocol) {
			t.Errorf("%s: %v, want a protocol error", what, err)
		}
	}
}

// silent is a transport that never answers.
type silent struct{}

func (silent) Control(ctx context.Context, _, _ uint8, _, _ uint16, _ []byte) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}
func (silent) SelectAlt(ctx context.Context, _ uint8) error { <-ctx.Done(); return ctx.Err() }
func (silent) Close() error                                 { return errors.New("stuck") }

func TestTimeouts(t *testing.T) {
	for _, c := range []struct{ given, want time.Duration }{
		{0, dfu.DefaultTimeout}, {time.Second, dfu.MinTimeout}, {7 * time.Second, 7 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := dfu.Open(t.Context(), silent{}, dfu.Options{Timeout: c.given})
			if !errors.Is(err, dfu.ErrTimeout) || time.Since(start) != c.want {
				t.Errorf("%v: %v after %v, want %v", c.given, err, time.Since(start), c.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := dfu.Open(ctx, silent{}, dfu.Options{})
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, dfu.ErrTimeout) {
			t.Errorf("%v, want the end of the caller's context", err)
		}
	})
}

// TestLongRuns reads more blocks than a block number can tell.
func TestLongRuns(t *testing.T) {
	const size = 5 << 20 // 81920 blocks of 64 bytes
	plain := &dfutest.Plain{
		Descriptors: dfutest.Descriptors{TransferSize: 64, Layouts: []string{"@Big /0x0/05*001Mg"}},
		Memories:    []*dfutest.Memory{{Bytes: make([]byte, size), Sector: 1 << 20, Flash: true}},
	}
	plain.Plug()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range plain.Memories[0].Bytes {
		plain.Memories[0].Bytes[i] = byte(random.Uint32())
	}
	bus, err := plain.Open()
	if err != nil {
		t.Fatal(err)
	}
	recorder := &dfutest.Recorder{Bus: bus}
	device, err := dfu.Open(t.Context(), recorder, dfu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := device.Read(t.Context(), 0, 1, size-1, nil)
	if err != nil || !bytes.Equal(got, plain.Memories[0].Bytes[1:]) {
		t.Errorf("read %d bytes, equal %v, %v", len(got), bytes.Equal(got, plain.Memories[0].Bytes[1:]), err)
	}
	recorder.CheckRules(t, 64)
	if n := recorder.Downloads(0); n != 2 {
		t.Errorf("%d addresses set, want 2", n)
	}
}

// TestProgramMismatch: a device that says OK and writes nothing is found out.
func TestProgramMismatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, err := dfutest.NewPlain().Open()
		if err != nil {
			t.Fatal(err)
		}
		liar := altered{bus, func(requestType uint8, value uint16, reply []byte) (int, error) {
			if requestType == 0xA1 && value >= 2 {
				clear(reply)
			}
			return len(reply), nil
		}}
		device, err := dfu.Open(t.Context(), liar, dfu.Options{Limit: anywhere})
		if err != nil {
			t.Fatal(err)
		}
		if err := device.Program(t.Context(), 0, 0x08001000, []byte{1}, nil); !errors.Is(err, dfu.ErrMismatch) {
			t.Errorf("%v, want a mismatch", err)
		}
	})
}

// TestLogged: each transfer is told, and none of its bytes. P4.
func TestLogged(t *testing.T) {
	plain := dfutest.NewPlain()
	bus, err := plain.Open()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	device, err := dfu.Open(t.Context(), dfu.Logged(bus, log), dfu.Options{Limit: anywhere})
	if err != nil {
		t.Fatal(err)
	}
	if err := device.Write(t.Context(), 1, 0, []byte("hush-hush"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := device.Read(t.Context(), 1, 0, 9, nil); err != nil {
		t.Fatal(err)
	}
	if err := device.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GET_DESCRIPTOR", "DNLOAD", "UPLOAD", "GETSTATUS", "GETSTATE", "ABORT", "alternate setting", "closed", "length=9"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not tell %s", want)
		}
	}
	for _, hidden := range []string{"hush", "104 117", "68757368", "68 75", "aHVza"} {
		if strings.Contains(out.String(), hidden) {
			t.Errorf("the log holds %q", hidden)
		}
	}
}

func TestCloseError(t *testing.T) {
	script := dfutest.NewScript(t, scripted(), idle)
	device, err := dfu.Open(t.Context(), stuck{script}, dfu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := device.Close(); err == nil {
		t.Error("the error of the transport is lost")
	}
}

type stuck struct{ dfu.Transport }

func (stuck) Close() error { return errors.New("stuck") }
