package dfu_test

import (
	"errors"
	"slices"
	"testing"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
)

// TestRefusedByLayout: what the letter of a sector does not allow is refused
// whatever the limit says, before anything is sent. The script has only what
// Open sends.
func TestRefusedByLayout(t *testing.T) {
	descriptors := scripted()
	// One sector of 16 bytes for each letter from a to g.
	descriptors.Layouts = []string{"@All /0x0/1*16Ba,1*16Bb,1*16Bc,1*16Bd,1*16Be,1*16Bf,1*16Bg"}
	device, err := dfu.Open(t.Context(), dfutest.NewScript(t, descriptors, idle), dfu.Options{Limit: anywhere})
	if err != nil {
		t.Fatal(err)
	}
	for access := dfu.Access(1); access <= 7; access++ {
		addr := uint32(access-1) * 16
		for need, operate := range map[dfu.Access]func() error{
			dfu.Readable: func() error { _, err := device.Read(t.Context(), 0, addr, 16, nil); return err },
			dfu.Erasable: func() error { return device.Erase(t.Context(), 0, addr, 16, nil) },
			dfu.Writable: func() error { return device.Write(t.Context(), 0, addr, make([]byte, 16), nil) },
		} {
			if access&need == 0 && !errors.Is(operate(), dfu.ErrRefused) {
				t.Errorf("sector %v: what must be %v is not refused", access, need)
			}
		}
	}
}

// TestLimitIsAsked: a write is judged as it is, an erase by its whole sectors,
// and a program by both before the erase begins. P1.
func TestLimitIsAsked(t *testing.T) {
	type question struct {
		alt    uint8
		addr   uint32
		length int
	}
	var asked []question
	no := errors.New("no")
	limit := func(alt uint8, addr uint32, length int) error {
		asked = append(asked, question{alt, addr, length})
		if alt == 0 && addr == 0x1085 {
			return nil // the write of the program alone
		}
		return no
	}
	device, err := dfu.Open(t.Context(), dfutest.NewScript(t, scripted(), idle), dfu.Options{Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for _, err := range []error{
		device.Write(ctx, 1, 34, make([]byte, 70), nil),
		device.Erase(ctx, 0, 0x10FF, 2, nil),
		device.Program(ctx, 0, 0x1085, make([]byte, 7), nil),
		device.Program(ctx, 0, 0x1086, make([]byte, 7), nil),
	} {
		if !errors.Is(err, dfu.ErrRefused) || !errors.Is(err, no) {
			t.Errorf("%v, want the refusal with its reason", err)
		}
	}
	want := []question{{1, 34, 70}, {0, 0x1080, 256}, {0, 0x1085, 7}, {0, 0x1080, 128}, {0, 0x1086, 7}}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
}
