package dfutest

import (
	"errors"
	"math"
	"testing"

	"duogateway/dfu"
)

// errOutside is the refusal of the suite's own limit.
var errOutside = errors.New("outside the areas for tests")

var refusalCases = []testCase{
	{"refusals send nothing", testRefusals},
	{"no limit refuses all", testNoLimit},
}

// testRefusals tries what the layout or the limit forbids. P1: a write outside
// the limits is refused before a byte is sent.
func testRefusals(t *testing.T, b *bench) {
	device, recorder := b.open(t)
	area := b.Flash[0]
	layout := layoutOf(t, device, area.Alt)
	last := layout.Segments[len(layout.Segments)-1]
	end := last.Addr + uint32(last.Sectors*last.SectorSize)
	ctx := t.Context()
	sent := len(recorder.Transfers)

	one := []byte{0}
	for what, err := range map[string]error{
		"write before the area":   device.Write(ctx, area.Alt, area.Addr-1, one, nil),
		"write behind the area":   device.Write(ctx, area.Alt, area.Addr+uint32(area.Length), one, nil),
		"write over its end":      device.Write(ctx, area.Alt, area.Addr+1, make([]byte, area.Length), nil),
		"write nothing":           device.Write(ctx, area.Alt, area.Addr, nil, nil),
		"erase over its end":      device.Erase(ctx, area.Alt, area.Addr+1, area.Length, nil),
		"erase nothing":           device.Erase(ctx, area.Alt, area.Addr, 0, nil),
		"program over its end":    device.Program(ctx, area.Alt, area.Addr+1, make([]byte, area.Length), nil),
		"write behind the memory": device.Write(ctx, area.Alt, end, one, nil),
		"read behind the memory":  errorOf(device.Read(ctx, area.Alt, end, 1, nil)),
		"read over its end":       errorOf(device.Read(ctx, area.Alt, end-1, 2, nil)),
		"read round the world":    errorOf(device.Read(ctx, area.Alt, math.MaxUint32, 2, nil)),
		"read a negative length":  errorOf(device.Read(ctx, area.Alt, area.Addr, -1, nil)),
		"read no such memory":     errorOf(device.Read(ctx, 200, area.Addr, 1, nil)),
		"write no such memory":    device.Write(ctx, 200, area.Addr, one, nil),
	} {
		if !errors.Is(err, dfu.ErrRefused) {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
	if n := len(recorder.Transfers) - sent; n != 0 {
		t.Errorf("refusals sent %d transfers", n)
	}
	err := device.Write(ctx, area.Alt, area.Addr+uint32(area.Length)-1, []byte{0, 0}, nil)
	if layout.Check(area.Addr, area.Length+1, dfu.Writable) == nil && !errors.Is(err, errOutside) {
		t.Errorf("refusal by the limit does not tell its reason: %v", err)
	}
}

func errorOf(_ []byte, err error) error { return err }

func testNoLimit(t *testing.T, b *bench) {
	bus, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	recorder := &Recorder{Bus: bus}
	defer func() { _ = recorder.Close() }()
	device, err := dfu.Open(t.Context(), recorder, dfu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sent := len(recorder.Transfers)
	for _, area := range b.areas() {
		data := make([]byte, area.Length)
		if err := device.Write(t.Context(), area.Alt, area.Addr, data, nil); !errors.Is(err, dfu.ErrRefused) {
			t.Errorf("write: %v, want a refusal", err)
		}
		if err := device.Erase(t.Context(), area.Alt, area.Addr, area.Length, nil); !errors.Is(err, dfu.ErrRefused) {
			t.Errorf("erase: %v, want a refusal", err)
		}
	}
	if n := len(recorder.Transfers) - sent; n != 0 {
		t.Errorf("refusals sent %d transfers", n)
	}
}
