package duo

import (
	"errors"
	"fmt"
)

// Engine is the vendor's code that keeps two copies of the DCT and decides
// which one is current.
type Engine string

const (
	// EngineUnknown means that nothing says which engine a board runs.
	EngineUnknown Engine = "unknown"
	// EngineOld is the engine of system 0.1.1 to 0.3.1 and of bootloaders r3
	// to r5: header flags, no sequence, no CRC.
	EngineOld Engine = "old"
	// EngineNew is the engine of system 0.3.2 and later: a version block with
	// a sequence and a CRC, and atomic writes.
	EngineNew Engine = "new"
)

// Part2NewEngine is the first module_version of system part 2 with the new
// engine: system 0.3.2.
const Part2NewEngine uint16 = 10

// ErrSystemParts is returned when a board's bootloader finds no DCT code:
// r6 has none of its own and borrows it from system part 2.
var ErrSystemParts = errors.New("system parts are missing or too old")

// FirmwareEngine returns the engine inside system part 2 of that version.
// Without a part 2 (VersionErased) there is none: EngineUnknown.
func FirmwareEngine(part2 uint16) Engine {
	switch {
	case part2 == VersionErased:
		return EngineUnknown
	case part2 >= Part2NewEngine:
		return EngineNew
	}
	return EngineOld
}

// BootloaderEngine returns the engine that serves alternate setting 1: r3 to
// r5 link the old one in whatever the system parts are; r6 calls the one in
// part 2 and answers zeros when that is older than 0.3.2 or missing
// (redbear/firmware bootloader/src/duo/bootloader_dct.c:7-112).
func BootloaderEngine(gen Generation, part2 uint16) (Engine, error) {
	if !gen.Valid() {
		return EngineUnknown, fmt.Errorf("%w %d", ErrGeneration, uint8(gen))
	}
	if gen < R6 {
		return EngineOld, nil
	}
	if FirmwareEngine(part2) != EngineNew {
		return EngineUnknown, fmt.Errorf("%w: part 2 has version %d, %v needs %d or more",
			ErrSystemParts, part2, gen, Part2NewEngine)
	}
	return EngineNew, nil
}
