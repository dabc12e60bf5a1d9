package duo

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestCheckWrite(t *testing.T) {
	tests := []struct {
		gen    Generation
		alt    uint8
		addr   uint32
		length int
		ok     bool
	}{
		{R6, AltDCT, 0, AreaSize, true},
		{R6, AltDCT, 34, 2560, true},
		{R6, AltDCT, AreaSize - 1, 1, true},
		{R6, AltDCT, AreaSize - 1, 2, false},
		{R3, AltDCT, 34, 16350, false},
		{R6, AltDCT, 34, 0, false},
		{R6, AltDCT, 34, -1, false},
		{R6, AltDCT, math.MaxUint32, 1, false},
		{R6, AltDCT, math.MaxUint32, math.MaxInt, false},
		{R6, AltInternal, 0x08008000, 32768, true},
		{R6, AltInternal, 0x08007FFF, 1, false},
		{R5, AltInternal, 0x08004000, 4096, false},
		{R4, AltInternal, 0x08004000, 4096, true},
		{R3, AltInternal, 0x08003FFF, 4096, false},
		{R6, AltInternal, 0x080FFFFF, 1, true},
		{R6, AltInternal, 0x080FFFFF, 2, false},
		{R6, AltInternal, 0x08100000, 1, false},
		{R6, AltInternal, 0, 1, false},
		{R6, AltSerial, 0, 2 << 20, true},
		{R6, AltSerial, 0x140000, 4096, true},
		{R6, AltSerial, 0x1FFFFF, 2, false},
		{R6, 3, 0x08008000, 1, false},
		{0, AltDCT, 34, 1, false},
		{7, AltDCT, 34, 1, false},
	}
	for _, test := range tests {
		err := CheckWrite(test.gen, test.alt, test.addr, test.length)
		if (err == nil) != test.ok || (err != nil && !errors.Is(err, ErrOutsideLimits)) {
			t.Errorf("%v alt %d, %d bytes at %#x: %v", test.gen, test.alt, test.length, test.addr, err)
		}
	}
}

// Whatever is asked, an allowed write to the DCT never ends beyond the area
// and an allowed write to flash never touches the bootloader.
func TestCheckWriteHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := Generation(rapid.IntRange(0, 8).Draw(t, "gen"))
		alt := rapid.Uint8Range(0, 4).Draw(t, "alt")
		addr := rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 20000),
			rapid.Uint32Range(0x08000000, 0x08100010)).Draw(t, "addr")
		length := rapid.OneOf(rapid.Int(), rapid.IntRange(-2, 40000)).Draw(t, "length")
		if CheckWrite(gen, alt, addr, length) != nil {
			return
		}
		end := uint64(addr) + uint64(length)
		switch {
		case length < 1 || gen < R3 || gen > R6 || alt > AltSerial:
			t.Fatal("a write of nothing, or to nothing known, is allowed")
		case alt == AltDCT && end > 8820,
			alt == AltSerial && end > 0x200000,
			alt == AltInternal && end > 0x08100000,
			alt == AltInternal && gen >= R5 && addr < 0x08008000,
			alt == AltInternal && addr < 0x08004000:
			t.Fatalf("%v alt %d: %d bytes at %#x are allowed", gen, alt, length, addr)
		}
	})
}
