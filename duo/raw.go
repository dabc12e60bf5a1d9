package duo

import (
	"errors"
	"fmt"

	"duogateway/secret"
)

// The range of internal flash that holds the DCT sectors of every generation:
// three sectors, read by alternate setting 0 as a board's raw backup.
const (
	RawStart uint32 = 0x08004000
	RawEnd   uint32 = 0x08010000
	RawSize         = int(RawEnd - RawStart)
)

// ErrRaw is returned for a raw backup of the wrong size.
var ErrRaw = errors.New("not a raw backup")

// ParseRaw returns the two DCT sectors in a raw backup of a board with
// bootloader gen. The bytes are not copied.
func ParseRaw(raw []byte, gen Generation) (Sectors, error) {
	if len(raw) != RawSize {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrRaw, len(raw), RawSize)
	}
	if !gen.Valid() {
		return nil, fmt.Errorf("%w %d", ErrGeneration, uint8(gen))
	}
	first := int(gen.SectorBases()[0] - RawStart)
	return splitSectors(raw[first : first+2*SectorSize]), nil
}

// splitSectors cuts a whole number of sectors.
func splitSectors(b []byte) Sectors {
	var sectors Sectors
	for ; len(b) >= SectorSize; b = b[SectorSize:] {
		sectors = append(sectors, Sector{secret.Of(b[:SectorSize])})
	}
	return sectors
}

// guessRaw returns the two DCT sectors of a raw backup whose bootloader is not
// known. From r5 on the first of the three sectors is the upper half of the
// bootloader, which is neither blank nor begins like a DCT.
func guessRaw(raw []byte) Sectors {
	three := splitSectors(raw)
	if three[0].hasMagic() || allBytes(three[0].Reveal(), 0xFF) {
		return three[:2]
	}
	return three[1:]
}
