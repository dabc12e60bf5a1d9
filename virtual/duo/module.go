package virtualduo

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// A module is a firmware image with a module_info of 24 bytes
// (redbear/firmware dynalib/inc/module_info.h:44-70). Images that begin with a
// vector table have it at 0x184, the others at 0.
type module struct {
	Start, End uint32 // End is exclusive; the CRC follows it
	Version    uint16
	Platform   uint16
	Function   byte
	Index      byte
	Needs      dependency
	AlsoNeeds  dependency
}

type dependency struct {
	Function, Index byte
	Version         uint16
}

const (
	platformDuo = 88

	functionBootloader = 2
	functionSystem     = 4
	functionUser       = 5

	moduleInfoSize  = 24
	moduleInfoAfter = 0x184 // behind a vector table
	suffixSize      = 40
	crcSize         = 4
)

// build makes a sound image of size bytes plus CRC.
func (m module) build(size int, seed uint64) []byte {
	image := synthetic("firmware", seed+uint64(m.Start)+uint64(m.Index), size)
	infoAt := 0
	if m.Function != functionUser {
		binary.LittleEndian.PutUint32(image, 0x20020000)        // stack
		binary.LittleEndian.PutUint32(image[4:], m.Start+0x201) // reset handler
		infoAt = moduleInfoAfter
	}
	m.End, m.Platform = m.Start+uint32(size), platformDuo
	copy(image[infoAt:], m.info())
	suffix := image[size-suffixSize:]
	clear(suffix[:6])
	binary.LittleEndian.PutUint16(suffix[38:], suffixSize)
	sum := sha256.Sum256(image[:size-suffixSize+6])
	copy(suffix[6:], sum[:])
	return binary.BigEndian.AppendUint32(image, crc32.ChecksumIEEE(image))
}

func (m module) info() []byte {
	info := binary.LittleEndian.AppendUint32(nil, m.Start)
	info = binary.LittleEndian.AppendUint32(info, m.End)
	info = append(info, 0, 0)
	info = binary.LittleEndian.AppendUint16(info, m.Version)
	info = binary.LittleEndian.AppendUint16(info, m.Platform)
	info = append(info, m.Function, m.Index)
	return slices.Concat(info, m.Needs.bytes(), m.AlsoNeeds.bytes())
}

func (d dependency) bytes() []byte {
	return binary.LittleEndian.AppendUint16([]byte{d.Function, d.Index}, d.Version)
}

// moduleAt reads the module_info of the image at offset of a flash. The
// result is what the bytes say; nothing is checked.
func moduleAt(flash memory, offset int) module {
	at := offset
	if binary.LittleEndian.Uint32(flash[offset:])&0x2FF10000 == 0x20000000 {
		at += moduleInfoAfter
	}
	info := flash[at : at+moduleInfoSize]
	return module{
		Start:     binary.LittleEndian.Uint32(info),
		End:       binary.LittleEndian.Uint32(info[4:]),
		Version:   binary.LittleEndian.Uint16(info[10:]),
		Platform:  binary.LittleEndian.Uint16(info[12:]),
		Function:  info[14],
		Index:     info[15],
		Needs:     dependencyOf(info[16:]),
		AlsoNeeds: dependencyOf(info[20:]),
	}
}

func dependencyOf(b []byte) dependency {
	return dependency{b[0], b[1], binary.LittleEndian.Uint16(b[2:])}
}

// size is the length of the image without its CRC, -1 if the bounds make no
// sense or the image would not fit into room bytes with its CRC.
func (m module) size(room int) int {
	if m.End <= m.Start || int64(m.End)-int64(m.Start)+crcSize > int64(room) {
		return -1
	}
	return int(m.End - m.Start)
}

// intact says whether the image at offset has the CRC behind its end.
func (m module) intact(flash memory, offset int) bool {
	size := m.size(len(flash) - offset)
	if size < 0 {
		return false
	}
	image := flash[offset : offset+size]
	stored := binary.BigEndian.Uint32(flash[offset+size:])
	return m.Platform == platformDuo && stored == crc32.ChecksumIEEE(image)
}
