package duo

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// The last 40 bytes of a module before its CRC: product id and version, two
// reserved bytes, a SHA-256 of all that comes before it, and their own length
// (redbear/firmware dynalib/inc/module_info.h).
const (
	suffixLen    = 40
	suffixSHA    = 6
	suffixLength = 38
)

// Module is a firmware image and what was found out about it without a board.
type Module struct {
	ModuleInfo
	// Size is the length of the file in bytes.
	Size int
	// CRCOK and SHAOK say whether the two checksums are right.
	CRCOK, SHAOK bool
	// Target is where the module belongs, nil when there is no such place or
	// DFU does not reach it.
	Target *Place
	// Refusal says in one line why the image must not be written to any board.
	// It is empty for a sound one.
	Refusal string
}

// InspectModule reads the header of an image and checks all that can be
// checked without a board. A damaged or foreign image gives a Module with a
// Refusal; the error, which wraps ErrModule, is for what is no module at all.
func InspectModule(image []byte) (Module, error) {
	info, err := ParseModuleInfo(image)
	if err != nil {
		return Module{}, err
	}
	m := Module{
		ModuleInfo: info, Size: len(image),
		CRCOK: info.CheckCRC(image) == nil, SHAOK: info.checkSHA(image),
	}
	if place, ok := placeOf(info); ok {
		m.Target = &place
	}
	m.Refusal = m.refusal()
	return m, nil
}

// Dependencies returns the modules that this one needs, none to two.
func (m ModuleInfo) Dependencies() []Dependency {
	needs := make([]Dependency, 0, 2)
	for _, d := range [...]Dependency{m.Dependency, m.Dependency2} {
		if d.Function != 0 {
			needs = append(needs, d)
		}
	}
	return needs
}

// Name returns what people call a module, such as "system part 2".
func (m ModuleInfo) Name() string { return moduleName(m.Function, m.Index) }

// Name returns what people call the module that is needed.
func (d Dependency) Name() string { return moduleName(d.Function, d.Index) }

func moduleName(function, index uint8) string {
	switch function {
	case FunctionBootloader:
		return "bootloader"
	case FunctionSystemPart:
		return fmt.Sprintf("system part %d", index)
	case FunctionUserPart:
		return "user part"
	}
	return fmt.Sprintf("module of function %d", function)
}

// checkSHA checks the SHA-256 in the suffix of an image.
func (m ModuleInfo) checkSHA(image []byte) bool {
	size := m.Len()
	if size < suffixLen || len(image) < size {
		return false
	}
	suffix := image[size-suffixLen : size]
	sum := sha256.Sum256(image[:size-suffixLen+suffixSHA])
	return binary.LittleEndian.Uint16(suffix[suffixLength:]) == suffixLen &&
		bytes.Equal(suffix[suffixSHA:suffixSHA+sha256.Size], sum[:])
}

// refusal returns the first reason against the image.
func (m Module) refusal() string {
	want := int64(m.End) - int64(m.Start) + moduleCRCLen
	switch {
	case m.Platform != PlatformID:
		return fmt.Sprintf("it is for platform %d, a Duo is %d", m.Platform, PlatformID)
	case m.Function == FunctionBootloader:
		return "a bootloader cannot be written by DFU; system part 2 brings its own"
	case m.Target == nil:
		return fmt.Sprintf("a Duo has no place for function %d, index %d", m.Function, m.Index)
	case m.Start != m.Target.Address:
		return fmt.Sprintf("it was made for %#08x, a %s belongs at %#08x", m.Start, m.Name(), m.Target.Address)
	case int64(m.Size) < want:
		return fmt.Sprintf("it is cut short: %d bytes of %d", m.Size, want)
	case int64(m.Size) > want:
		return fmt.Sprintf("%d bytes too many: %d instead of %d", int64(m.Size)-want, m.Size, want)
	case m.Size > m.Target.Size:
		return fmt.Sprintf("it is too large: %d bytes, the place has %d", m.Size, m.Target.Size)
	case !m.CRCOK:
		return "its CRC is wrong"
	case !m.SHAOK:
		return "its SHA-256 is wrong or missing"
	}
	return ""
}
