package duo

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"duogateway/secret"
)

// Layout of a DCT sector
// (redbear/firmware hal/src/duo/wiced/platform/include/platform_dct.h:707-760).
const (
	// SectorSize is the size of one copy of the DCT.
	SectorSize = 16384
	// AreaStart is where the application DCT begins in a sector.
	AreaStart = 7548

	headerSize        = 388
	versionBlockStart = 0x3FF0
)

// Bytes of the header and of the version block.
const (
	headerUsedSize   = 4
	headerIncomplete = 8
	headerCurrent    = 9
	headerAppValid   = 10
	headerMagic      = 12

	blockSDK      = 6
	blockCRC      = 8
	blockInitial  = 12
	blockSequence = 13
	blockSize     = 16
)

const (
	sectorMagic  = "BRCM"
	versionMagic = 0xDC0200CD
	newestSDK    = 0x370
)

// Class is what a sector is to the new engine.
type Class string

const (
	// ClassInvalid: the header is not that of a complete copy.
	ClassInvalid Class = "invalid"
	// ClassLegacy: a complete copy without a valid version block.
	ClassLegacy Class = "legacy"
	// ClassVersioned: a complete copy with a valid version block, whose CRC
	// may be right or wrong.
	ClassVersioned Class = "versioned"
)

// Sector is one raw copy of the DCT. It holds a private key and Wi-Fi
// passwords. The zero Sector stands for a copy that is not at hand: it is of
// ClassInvalid.
type Sector struct{ secret.Bytes }

// NewSector takes exactly SectorSize bytes. They are not copied.
func NewSector(raw []byte) (Sector, error) {
	if len(raw) != SectorSize {
		return Sector{}, fmt.Errorf("a DCT sector has %d bytes, not %d", SectorSize, len(raw))
	}
	return Sector{secret.Of(raw)}, nil
}

// VersionBlock is what the new engine writes at the end of a sector.
type VersionBlock struct {
	// Sequence grows by one with each write and wraps from 255 to 0.
	Sequence uint8
	// CRCOK says whether the stored CRC is that of the sector.
	CRCOK bool

	initial bool
}

// VersionBlock reads the version block. It reports false when the sector has
// none, or one with an SDK version that the engine does not accept.
func (s Sector) VersionBlock() (VersionBlock, bool) {
	if s.Len() != SectorSize {
		return VersionBlock{}, false
	}
	b := s.Reveal()[versionBlockStart:]
	sdk := binary.LittleEndian.Uint16(b[blockSDK:])
	if binary.LittleEndian.Uint32(b) != versionMagic || sdk < 1 || sdk > newestSDK {
		return VersionBlock{}, false
	}
	stored := binary.LittleEndian.Uint32(b[blockCRC:])
	return VersionBlock{
		Sequence: b[blockSequence],
		CRCOK:    stored == s.crc(),
		initial:  b[blockInitial] == 1 && stored == 0,
	}, true
}

// Class classifies the sector by the new engine's rules.
func (s Sector) Class() Class {
	if !s.headerOK() {
		return ClassInvalid
	}
	if _, ok := s.VersionBlock(); !ok {
		return ClassLegacy
	}
	return ClassVersioned
}

// Area returns the application DCT of the sector, or an empty area when the
// sector is not at hand.
func (s Sector) Area() Area {
	if s.Len() != SectorSize {
		return Area{}
	}
	return Area{Bytes: secret.Of(s.Reveal()[AreaStart : AreaStart+AreaSize])}
}

// hasMagic reports whether the sector begins like a DCT header.
func (s Sector) hasMagic() bool {
	return s.Len() == SectorSize && string(s.Reveal()[headerMagic:headerMagic+4]) == sectorMagic
}

// headerOK is the new engine's test of a header.
func (s Sector) headerOK() bool {
	if !s.hasMagic() || s.Reveal()[headerIncomplete] != 0 {
		return false
	}
	full := binary.LittleEndian.Uint32(s.Reveal())
	used := binary.LittleEndian.Uint32(s.Reveal()[headerUsedSize:])
	return used <= full
}

// oldCurrent is the old engine's test of a header.
func (s Sector) oldCurrent() bool {
	return s.hasMagic() && s.Reveal()[headerIncomplete] == 0 && s.Reveal()[headerCurrent] == 1
}

// crc computes the new engine's checksum of a whole sector. It is chained,
// not a plain CRC-32: over the header with byte 8 as 0, over the body in
// chunks of 32, over the version block with its CRC and byte 12 as 0
// (redbear/firmware hal/src/duo/dct_hal.c:11-19 and the vendor's
// wiced_dct_internal_common.o).
func (s Sector) crc() uint32 {
	header := append([]byte(nil), s.Reveal()[:headerSize]...)
	header[headerIncomplete] = 0
	sum := crcStep(0xFFFFFFFF, header)
	body := s.Reveal()[headerSize:versionBlockStart]
	for len(body) > 0 {
		n := min(32, len(body))
		sum = crcStep(sum, body[:n])
		body = body[n:]
	}
	block := append([]byte(nil), s.Reveal()[versionBlockStart:versionBlockStart+blockSize]...)
	clear(block[blockCRC : blockInitial+1])
	return crcStep(sum, block)
}

func crcStep(sum uint32, b []byte) uint32 {
	return crc32.ChecksumIEEE(b) ^ 0xFFFFFFFF ^ sum
}
