package virtualduo

import (
	"fmt"
	"slices"
)

// Sizes of the DCT flash in bytes: two copies, each one 16 KiB sector.
const (
	CopySize  = 16 << 10
	ImageSize = 2 * CopySize
)

// Flash is the part of flash that holds the DCT: copy 0 at offset 0, copy 1 at
// offset CopySize. An error of Erase or Program means that power was lost: the
// engine stops where it is.
type Flash interface {
	// Read returns length bytes from offset; they stay valid until the next change.
	Read(offset, length int) []byte
	// Erase sets a whole copy, 0 or 1, to FF.
	Erase(which int) error
	// Program clears the bits that are zero in data.
	Program(offset int, data []byte) error
}

// Engine keeps the DCT in its two copies. Offsets count from the application
// DCT, as on alternate setting 1.
type Engine interface {
	// Current returns the copy in force, 0 or 1. If there is none it writes
	// the default first, as the board does even on a read.
	Current(flash Flash) (int, error)
	// Valid says whether a copy is in force, and changes nothing.
	Valid(flash Flash) bool
	// Write stores data. ErrRejected means that it did not touch the flash,
	// ErrRunaway that the real engine would have destroyed the board.
	Write(flash Flash, offset int, data []byte) error
	// Limit is the room behind offset 0 of the application DCT, in bytes.
	// Nothing may be written behind it.
	Limit() int
}

// EngineByName returns the engine "new", of system 0.3.2 and 0.3.3, or "old",
// of everything before.
func EngineByName(name string) (Engine, error) {
	switch name {
	case "new":
		return Wiced37{}, nil
	case "old":
		return Wiced33{}, nil
	default:
		return nil, fmt.Errorf("no DCT engine is called %q: use %q or %q", name, "new", "old")
	}
}

// ReadApplication returns length bytes of the application DCT from offset, as
// the engine finds them.
func ReadApplication(engine Engine, flash Flash, offset, length int) ([]byte, error) {
	current, err := engine.Current(flash)
	if err != nil {
		return nil, fmt.Errorf("find the current DCT copy: %w", err)
	}
	return flash.Read(current*CopySize+applicationOffset+offset, length), nil
}

// Image is DCT flash in memory, ImageSize bytes, for use without a board.
type Image []byte

// BlankImage returns erased DCT flash.
func BlankImage() Image { return Image(blankMemory(ImageSize)) }

// Read returns a view of the image; behind its end there is FF.
func (i Image) Read(offset, length int) []byte {
	if end := offset + length; end > len(i) {
		return append(slices.Clone(i[min(offset, len(i)):]), blankMemory(end-max(offset, len(i)))...)
	}
	return i[offset : offset+length]
}

// Erase sets one copy to FF. It never fails.
func (i Image) Erase(which int) error {
	fill(i[which*CopySize:(which+1)*CopySize], 0xFF)
	return nil
}

// Program clears bits. It never fails; what lies behind the end is lost.
func (i Image) Program(offset int, data []byte) error {
	start, end := min(offset, len(i)), min(offset+len(data), len(i))
	program(i[start:end], data[:end-start])
	return nil
}
