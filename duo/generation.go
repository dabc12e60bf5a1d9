package duo

import (
	"errors"
	"fmt"
)

// Generation is the version of a board's bootloader, 3 to 6. It decides where
// the DCT lies, what is protected and what a failed read looks like.
type Generation uint8

// The bootloaders that were shipped with a DFU mode of this kind
// (redbear/Duo firmware/bootloader/duo-bootloader-r3.bin to r6.bin).
const (
	R3 Generation = 3
	R4 Generation = 4
	R5 Generation = 5
	R6 Generation = 6
)

// ErrGeneration is returned for a bootloader version that is not r3 to r6.
var ErrGeneration = errors.New("unknown bootloader generation")

// ParseGeneration reads the little-endian u16 found at VersionAddrBootloader.
func ParseGeneration(version uint16) (Generation, error) {
	if version < uint16(R3) || version > uint16(R6) {
		return 0, fmt.Errorf("%w: version %d, want 3 to 6", ErrGeneration, version)
	}
	return Generation(version), nil
}

// Valid reports whether g is one of r3 to r6.
func (g Generation) Valid() bool { return g >= R3 && g <= R6 }

// String returns r3 to r6.
func (g Generation) String() string { return fmt.Sprintf("r%d", uint8(g)) }

// SectorBases returns the addresses of DCT copy 1 and 2. Both moved up by one
// sector with r5, when the bootloader grew to 32 KiB
// (redbear/firmware modules/duo/system-part2/linker.ld:7-9).
func (g Generation) SectorBases() [2]uint32 {
	if g >= R5 {
		return [2]uint32{0x08008000, 0x0800C000}
	}
	return [2]uint32{0x08004000, 0x08008000}
}

// ProtectedEnd returns the first address that may be written: everything from
// InternalStart up to it is the bootloader
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/usbd_conf.h:85-89).
func (g Generation) ProtectedEnd() uint32 { return g.SectorBases()[0] }
