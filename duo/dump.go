package duo

import (
	"errors"
	"fmt"

	"duogateway/secret"
)

// Sizes of the dumps that are known by their size.
const (
	twoSectors = 2 * SectorSize
	// docsDump is what dfu-util makes of alternate setting 1 from offset 34
	// without a length, as redbear/Duo docs/devices_provisioning_guide.md:28
	// tells to.
	docsDump = SectorSize - PrivateKeyOffset
)

// LargestDump is the size of the largest file that ParseDump accepts.
const LargestDump = RawSize

// StartBySize lets ParseDump decide where a dump of alternate setting 1 begins.
const StartBySize = -1

// ErrDump is returned for a file that is not a dump of a DCT.
var ErrDump = errors.New("not a dump of a Duo's DCT")

// Dump is a file that somebody or the station has read from a board: raw
// sectors, or an area when it is of alternate setting 1.
type Dump struct {
	Size    int
	Sectors Sectors
	Area    Area
}

// ParseDump recognises a dump by its size and its first bytes:
//
//   - 49152 bytes: the raw backup from 0x08004000, whose bootloader generation
//     is guessed; with ParseRaw it need not be.
//   - 32768 bytes: two sectors. 16384 with a DCT header: one sector.
//   - up to 16384 otherwise: alternate setting 1 from offset start. With
//     StartBySize that is 34 for 16350 bytes and 0 for the others.
//
// The bytes are not copied. The error wraps ErrDump and is one line.
func ParseDump(file []byte, start int) (Dump, error) {
	size := len(file)
	switch size {
	case 0:
		return Dump{}, fmt.Errorf("%w: it is empty", ErrDump)
	case RawSize:
		return Dump{Size: size, Sectors: guessRaw(file)}, nil
	case twoSectors:
		return Dump{Size: size, Sectors: splitSectors(file)}, nil
	}
	if size > SectorSize {
		return Dump{}, fmt.Errorf("%w: %d bytes, known are %d (three sectors), %d (two) and up to %d",
			ErrDump, size, RawSize, twoSectors, SectorSize)
	}
	if beginsLikeSector(file) {
		if size < SectorSize {
			return Dump{}, fmt.Errorf("%w: a sector that is cut short, %d of %d bytes", ErrDump, size, SectorSize)
		}
		return Dump{Size: size, Sectors: splitSectors(file)}, nil
	}
	return parseAreaDump(file, start)
}

// beginsLikeSector reports whether a file has the magic of a DCT header.
func beginsLikeSector(file []byte) bool {
	end := headerMagic + len(sectorMagic)
	return len(file) >= end && string(file[headerMagic:end]) == sectorMagic
}

func parseAreaDump(file []byte, start int) (Dump, error) {
	size := len(file)
	switch {
	case start == StartBySize && size == docsDump:
		start = PrivateKeyOffset
	case start == StartBySize:
		start = 0
	case start < 0 || start > SectorSize-size:
		return Dump{}, fmt.Errorf("%w: %d bytes from offset %d do not fit into the %d of alternate setting %d",
			ErrDump, size, start, SectorSize, AltDCT)
	}
	area := Area{Bytes: secret.Of(file), Start: start}
	if !area.tells() {
		return Dump{}, fmt.Errorf("%w: %d bytes from offset %d hold no whole field (the private key is at %d to %d)",
			ErrDump, size, start, PrivateKeyOffset, PrivateKeyOffset+PrivateKeyStored-1)
	}
	return Dump{Size: size, Area: area}, nil
}

// tells reports whether the area holds a field that a diagnosis looks at.
func (a Area) tells() bool {
	for _, field := range [][2]int{
		{PrivateKeyOffset, PrivateKeyStored},
		{PublicKeyOffset, PublicKeyReserved},
		{ServerKeyOffset, ServerKeyLen},
		{ServerAddressOffset, ServerAddressReserved},
		{DeviceIDOffset, DeviceIDLen},
	} {
		if _, ok := a.Field(field[0], field[1]); ok {
			return true
		}
	}
	return false
}

// Diagnose says what the dump holds. engine may be EngineUnknown.
func (d Dump) Diagnose(engine Engine) Diagnosis {
	if len(d.Sectors) > 0 {
		return DiagnoseSectors(d.Sectors, engine, d.Size)
	}
	return DiagnoseArea(d.Area, engine)
}
