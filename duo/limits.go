package duo

import (
	"errors"
	"fmt"
)

// The memories behind the alternate settings.
const (
	// InternalStart and InternalSize bound the internal flash, 1 MiB.
	InternalStart uint32 = 0x08000000
	InternalSize         = 1 << 20
	// SerialSize is the size of the serial flash MX25L1606E, 2 MiB.
	SerialSize = 2 << 20
)

// ErrOutsideLimits is returned for a write that could harm a board.
var ErrOutsideLimits = errors.New("write outside the limits")

// CheckWrite says whether length bytes may be written at addr of alternate
// setting alt on a board with bootloader gen. It is asked before a byte is
// sent, because no bootloader refuses everything that harms it:
//
//   - AltInternal: from the end of the bootloader to the end of the flash.
//   - AltDCT: inside the 8820 bytes of the area. At 8821 to 8836 the new
//     engine's copy length underflows and it programs flash without bound,
//     and the old engine programs beyond the sector: both brick the board.
//   - AltSerial: inside the serial flash.
func CheckWrite(gen Generation, alt uint8, addr uint32, length int) error {
	if !gen.Valid() {
		return fmt.Errorf("%w: %w %d", ErrOutsideLimits, ErrGeneration, uint8(gen))
	}
	if length < 1 {
		return fmt.Errorf("%w: length %d", ErrOutsideLimits, length)
	}
	low, high, ok := writable(gen, alt)
	if !ok {
		return fmt.Errorf("%w: no alternate setting %d", ErrOutsideLimits, alt)
	}
	if uint64(addr) < low || uint64(addr)+uint64(length) > high {
		return fmt.Errorf("%w: %d bytes at %#x of alternate setting %d, allowed %#x to %#x on %v",
			ErrOutsideLimits, length, addr, alt, low, high, gen)
	}
	return nil
}

// writable returns the first address that may be written on alt and the one
// behind the last.
func writable(gen Generation, alt uint8) (low, high uint64, ok bool) {
	switch alt {
	case AltInternal:
		return uint64(gen.ProtectedEnd()), uint64(InternalStart) + InternalSize, true
	case AltDCT:
		return 0, AreaSize, true
	case AltSerial:
		return 0, SerialSize, true
	}
	return 0, 0, false
}
