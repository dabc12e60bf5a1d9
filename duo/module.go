package duo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Where the module versions lie in flash: a little-endian u16 each, 0xFFFF
// when erased. They are readable by alternate setting 0 on every generation.
const (
	VersionAddrBootloader uint32 = 0x0800018E
	VersionAddrPart1      uint32 = 0x0802018E
	VersionAddrPart2      uint32 = 0x0804018E
	VersionAddrUser       uint32 = 0x080C000A
)

// VersionErased is what a version address shows when no module is there.
const VersionErased uint16 = 0xFFFF

// Module start addresses (redbear/firmware hal/src/duo/ota_module_bounds.c:4-11).
const (
	AddrPart1 uint32 = 0x08020000
	AddrPart2 uint32 = 0x08040000
	AddrUser  uint32 = 0x080C0000
)

const (
	// ModuleInfoLen is the size of a module_info header.
	ModuleInfoLen = 24
	// ModuleInfoOffset is where it lies in a module that begins with a vector
	// table: the bootloader and both system parts.
	ModuleInfoOffset = 0x184

	moduleCRCLen = 4
)

// Values of ModuleInfo.Function (redbear/firmware dynalib/inc/module_info.h:44-70).
const (
	FunctionBootloader uint8 = 2
	FunctionSystemPart uint8 = 4
	FunctionUserPart   uint8 = 5

	functionFirst, functionLast uint8 = 1, 8
)

// Dependency names a module that must be present in at least this version.
// All zero means none.
type Dependency struct {
	Function, Index uint8
	Version         uint16
}

// ModuleInfo is the header of a firmware module
// (redbear/firmware dynalib/inc/module_info.h:44-70).
type ModuleInfo struct {
	// Start is the module's first address, End the one behind its last byte.
	// The four bytes of the CRC lie at End.
	Start, End uint32
	// Version is the module_version: the only trustworthy firmware version,
	// since 0.3.2 calls itself 0.3.1.
	Version     uint16
	Platform    uint16
	Function    uint8
	Index       uint8
	Dependency  Dependency
	Dependency2 Dependency
}

var (
	// ErrModule is returned for bytes that hold no module header.
	ErrModule = errors.New("not a firmware module")
	// ErrModuleCRC is returned for a module whose checksum is wrong.
	ErrModuleCRC = errors.New("firmware module is damaged")
)

// ParseModuleHeader reads the 24 bytes of a header that was found already.
// It checks nothing but their number.
func ParseModuleHeader(header []byte) (ModuleInfo, error) {
	if len(header) < ModuleInfoLen {
		return ModuleInfo{}, fmt.Errorf("%w: header of %d bytes", ErrModule, len(header))
	}
	return ModuleInfo{
		Start:       binary.LittleEndian.Uint32(header[0:]),
		End:         binary.LittleEndian.Uint32(header[4:]),
		Version:     binary.LittleEndian.Uint16(header[10:]),
		Platform:    binary.LittleEndian.Uint16(header[12:]),
		Function:    header[14],
		Index:       header[15],
		Dependency:  parseDependency(header[16:]),
		Dependency2: parseDependency(header[20:]),
	}, nil
}

func parseDependency(b []byte) Dependency {
	return Dependency{Function: b[0], Index: b[1], Version: binary.LittleEndian.Uint16(b[2:])}
}

// ParseModuleInfo finds and reads the header of an image. The header comes
// first, unless the first word looks like a stack pointer: then the image
// begins with a vector table and the header lies at 0x184.
//
// The header may be one of another platform, or of an image that is damaged or
// cut short: InspectModule judges it. Bytes that do not look like a header at
// all are ErrModule.
func ParseModuleInfo(image []byte) (ModuleInfo, error) {
	if len(image) < 4 {
		return ModuleInfo{}, fmt.Errorf("%w: image of %d bytes", ErrModule, len(image))
	}
	at := 0
	if binary.LittleEndian.Uint32(image)&0x2FF10000 == 0x20000000 {
		at = ModuleInfoOffset
	}
	if len(image) < at+ModuleInfoLen {
		return ModuleInfo{}, fmt.Errorf("%w: image of %d bytes", ErrModule, len(image))
	}
	info, err := ParseModuleHeader(image[at:])
	if err != nil {
		return ModuleInfo{}, err
	}
	if !info.plausible() {
		return ModuleInfo{}, fmt.Errorf("%w: no module_info at %#x", ErrModule, at)
	}
	return info, nil
}

// plausible tells a header from bytes of something else: it says Duo, or it
// lies in internal flash as all of this family do.
func (m ModuleInfo) plausible() bool {
	inFlash := m.Start >= InternalStart && m.Start < InternalStart+InternalSize
	known := m.Function >= functionFirst && m.Function <= functionLast
	return m.End > m.Start && known && (inFlash || m.Platform == PlatformID)
}

// Len returns the module's length in bytes without its CRC.
func (m ModuleInfo) Len() int { return int(m.End) - int(m.Start) }

// CheckCRC checks an image that begins at m.Start against the CRC-32 that is
// stored big-endian behind the module. What follows the CRC is ignored.
func (m ModuleInfo) CheckCRC(image []byte) error {
	size := m.Len()
	if size <= 0 || len(image) < size+moduleCRCLen {
		return fmt.Errorf("%w: %d bytes, want %d", ErrModuleCRC, len(image), size+moduleCRCLen)
	}
	stored := binary.BigEndian.Uint32(image[size:])
	if sum := crc32.ChecksumIEEE(image[:size]); sum != stored {
		return fmt.Errorf("%w: CRC %08x, stored %08x", ErrModuleCRC, sum, stored)
	}
	return nil
}
