package duo

import (
	"bytes"

	"duogateway/secret"
)

// factorySystemFlags is the start of the application DCT as the factory leaves
// it: the header 0x1ADEACC0 and the flags that are not FF
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/platform_system_flags.h:18-40
// and the published fac-dct-r1.bin).
var factorySystemFlags = [24]byte{
	0xC0, 0xAC, 0xDE, 0x1A, 0x03, 0x00, 0xFF, 0xFF,
	0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
	0xFF, 0xFF, 0x00, 0xFF, 0x00, 0x00, 0x00, 0x0E,
}

// FactorySector returns copy 1 of the DCT as a board leaves the factory:
// Particle's server key and address, no keys of the board, no Wi-Fi. Copy 2 is
// blank then. Both together are the published fac-dct-r1.bin. Every engine
// takes it as a complete copy.
func FactorySector() Sector {
	raw := bytes.Repeat([]byte{0xFF}, SectorSize)
	clear(raw[:headerSize])
	markComplete(raw)
	area := raw[AreaStart:]
	copy(area, factorySystemFlags[:])
	copy(area[ServerKeyOffset:], ParticleServerKey())
	copy(area[ServerAddressOffset:], []byte{addressDomain, byte(len(DefaultHost))})
	copy(area[ServerAddressOffset+addressText:], DefaultHost+"\x00")
	return Sector{secret.Of(raw)}
}

// markComplete sets the header of a sector to that of a complete current copy,
// as both engines do.
func markComplete(raw []byte) {
	raw[headerIncomplete], raw[headerCurrent], raw[headerAppValid] = 0, 1, 1
	copy(raw[headerMagic:], sectorMagic)
}
