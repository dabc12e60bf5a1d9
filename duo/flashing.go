package duo

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// BoardModules is what a board has, as far as it decides what may be flashed.
type BoardModules struct {
	Bootloader Generation
	// Part1, Part2 and User are module versions, VersionErased for none.
	Part1, Part2, User uint16
	// CurrentCopy is the number of the current copy of the DCT, 1 or 2; 0 when
	// there is none or it is not known.
	CurrentCopy int
}

// Part2NewLayout is the first module_version of system part 2 with a
// bootloader of 32 KiB and the DCT one sector higher: system 0.3.0.
const Part2NewLayout uint16 = 8

// Why a module must not be written to a board.
var (
	// ErrRefused: not to this or any board, see Module.Refusal.
	ErrRefused = errors.New("firmware image refused")
	// ErrDestroysBootloader: a downgrade from 0.3.0 or later to 0.2.4 or
	// earlier writes an old bootloader's half over the new one
	// (redbear/Duo docs/firmware_deployment_guide.md:8).
	ErrDestroysBootloader = errors.New("this downgrade destroys the bootloader")
	// ErrOverwritesDCT: an upgrade from 0.2.4 or earlier to 0.3.0 or later puts
	// the bootloader over copy 1 of the DCT, and copy 2 is not the current one
	// (redbear/Duo docs/firmware_deployment_guide.md:12).
	ErrOverwritesDCT = errors.New("this upgrade overwrites the keys")
	// ErrDependency: what the module needs is not on the board.
	ErrDependency = errors.New("firmware dependency is missing")
	// ErrFlashOrder: the modules of a set come in an order, or in a choice,
	// that leaves the board without a working pair of system parts.
	ErrFlashOrder = errors.New("wrong order of firmware modules")
)

// CheckFlash says whether a module may be written to its target on a board in
// that state. It looks at nothing but the module: a set that is written one
// after the other is the matter of CheckFlashSet.
func CheckFlash(m Module, board BoardModules) error {
	switch {
	case m.Refusal != "":
		return fmt.Errorf("%w: %s", ErrRefused, m.Refusal)
	case m.Target == nil:
		return fmt.Errorf("%w: it was not inspected", ErrRefused)
	case !board.Bootloader.Valid():
		return fmt.Errorf("%w %d", ErrGeneration, uint8(board.Bootloader))
	case m.Function == FunctionSystemPart && m.Version < Part2NewLayout && board.Bootloader >= R5:
		return fmt.Errorf("%w: %s has version %d, a board with bootloader %v needs %d or more",
			ErrDestroysBootloader, m.Name(), m.Version, board.Bootloader, Part2NewLayout)
	case CrossesLayout(m, board) && board.CurrentCopy != 2:
		return fmt.Errorf("%w: the bootloader of %s %d takes the place of copy 1 of the DCT, and copy 2 is not the current one",
			ErrOverwritesDCT, m.Name(), m.Version)
	}
	return checkDependencies(m, board)
}

// CheckFactory says whether a module may become the factory image of a board in
// that state: it must be a sound user part that the bootloader's bounds check
// accepts, and one that runs on the board's system parts.
func CheckFactory(m Module, board BoardModules) error {
	if err := CheckFlash(m, board); err != nil {
		return err
	}
	place := PlaceFactory()
	switch {
	case m.Function != FunctionUserPart:
		return fmt.Errorf("%w: a %s is no factory image", ErrRefused, m.Name())
	case m.Size > place.Size:
		return fmt.Errorf("%w: %d bytes, a factory image may have %d", ErrRefused, m.Size, place.Size)
	}
	return nil
}

// CrossesLayout reports whether the board's bootloader will grow over copy 1
// of the DCT at the first start with that module. Copy 2 is copy 1 from then
// on. The caller seals the raw DCT before, and compares the key area after.
func CrossesLayout(m Module, board BoardModules) bool {
	return m.Function == FunctionSystemPart && m.Index == 2 &&
		m.Version >= Part2NewLayout && board.Bootloader < R5
}

func checkDependencies(m Module, board BoardModules) error {
	for _, need := range m.Dependencies() {
		has, known := board.version(need.Function, need.Index)
		switch {
		case !known || has == VersionErased:
			return fmt.Errorf("%w: %s %d needs %s, which the board lacks",
				ErrDependency, m.Name(), m.Version, need.Name())
		case has < need.Version:
			return fmt.Errorf("%w: %s %d needs %s %d or later, the board has %d",
				ErrDependency, m.Name(), m.Version, need.Name(), need.Version, has)
		}
	}
	return nil
}

// version returns the version of a module on the board, and false for one that
// no board has.
func (b BoardModules) version(function, index uint8) (uint16, bool) {
	switch {
	case function == FunctionBootloader:
		return uint16(b.Bootloader), true
	case function == FunctionSystemPart && index == 1:
		return b.Part1, true
	case function == FunctionSystemPart && index == 2:
		return b.Part2, true
	case function == FunctionUserPart:
		return b.User, true
	}
	return VersionErased, false
}

// With returns the state after a module was written, before the next start.
func (b BoardModules) With(m ModuleInfo) BoardModules {
	switch {
	case m.Function == FunctionSystemPart && m.Index == 1:
		b.Part1 = m.Version
	case m.Function == FunctionSystemPart && m.Index == 2:
		b.Part2 = m.Version
	case m.Function == FunctionUserPart:
		b.User = m.Version
	}
	return b
}

// SortForFlash puts modules into the order in which they are written: system
// part 1, system part 2, which needs it, then the user part.
func SortForFlash(modules []Module) {
	slices.SortStableFunc(modules, func(a, b Module) int {
		return cmp.Or(cmp.Compare(a.Function, b.Function), cmp.Compare(a.Index, b.Index))
	})
}

// CheckFlashSet checks modules that are written in this order without a start
// between them, and that the board then has two system parts of the same
// version, as the vendor ships them. A set without a system part leaves the
// parts as they are and passes.
func CheckFlashSet(modules []Module, board BoardModules) error {
	parts := false
	for _, m := range modules {
		if err := CheckFlash(m, board); err != nil {
			return err
		}
		board = board.With(m.ModuleInfo)
		parts = parts || m.Function == FunctionSystemPart
	}
	if parts && board.Part1 != board.Part2 {
		return fmt.Errorf("%w: the board would have system part 1 of version %s and part 2 of version %s",
			ErrFlashOrder, versionText(board.Part1), versionText(board.Part2))
	}
	return nil
}

func versionText(version uint16) string {
	if version == VersionErased {
		return "none"
	}
	return fmt.Sprint(version)
}

// EmbeddedBootloader returns the bootloader that system part 2 of a version
// carries, and false for one that carries none with a DFU mode of this kind.
// Found in the shipped images of system 0.2.1 to 0.3.3.
func EmbeddedBootloader(part2 uint16) (Generation, bool) {
	switch {
	case part2 == VersionErased || part2 < 3:
		return 0, false
	case part2 < 7:
		return R3, true
	case part2 < Part2NewLayout:
		return R4, true
	case part2 < Part2NewEngine:
		return R5, true
	}
	return R6, true
}

// AfterStart returns the state once the firmware has started: system part 2
// replaces an older bootloader by its own, and the copies of the DCT get new
// numbers when that moves them (redbear/firmware hal/src/stm32f2xx/bootloader.cpp:43).
func (b BoardModules) AfterStart() BoardModules {
	embedded, ok := EmbeddedBootloader(b.Part2)
	if !ok || embedded <= b.Bootloader {
		return b
	}
	if b.Bootloader < R5 && embedded >= R5 {
		b.CurrentCopy = max(0, b.CurrentCopy-1) // copy 1 is gone, copy 2 is the first now
	}
	b.Bootloader = embedded
	return b
}
