package duo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"duogateway/secret"
)

// ErrCompose is returned for parts that make no sector.
var ErrCompose = errors.New("cannot compose a DCT sector")

// RawWrite is how a DCT gets onto a board whose alternate setting 1 is dead:
// by alternate setting 0, into the copy that is not the current one.
type RawWrite struct {
	// Copy is the number of the copy that is written, 1 or 2, and Sector what
	// it becomes.
	Copy   int
	Sector Sector
	// Steps are carried out in order. A power cut between any two of them, or
	// in a step, leaves the old content or the new one current, never none.
	// Where a step says so, and behind the last one, what was written must be
	// read back and be equal to WrittenBefore that step.
	Steps []RawStep
}

// WrittenBefore is what the written copy holds before a step, or behind the
// last one.
func (w RawWrite) WrittenBefore(step int) Sector {
	raw := make([]byte, SectorSize)
	fillBytes(raw, 0xFF)
	for _, s := range w.Steps[:step] {
		if s.Copy == w.Copy && !s.Erase {
			copy(raw[s.Offset:], s.Data.Reveal())
		}
	}
	return Sector{secret.Of(raw)}
}

// RawStep is one operation on a copy of the DCT. A write goes onto erased
// flash, or only clears bits of what is there, so nothing is erased for it.
type RawStep struct {
	// Copy is the number of the copy, 1 or 2.
	Copy int
	// Erase: the whole copy is erased, and Offset and Data mean nothing.
	Erase bool
	// Offset is that in the sector, Data what is written there: whole words of
	// four bytes.
	Offset int
	Data   secret.Bytes
	// Check: this step makes the written copy count, or the other one give way.
	// It must not be carried out before the written one is read back.
	Check bool
}

// PlanRaw plans the raw write of a new content. Header and version block of
// content are replaced by those of a successor to the current copy. engine is
// the one that the board has, or will have once its system parts are back;
// EngineUnknown counts as the new one, whose sectors both engines read.
//
// Without a current copy nothing can be kept: copy 1 is written, as both
// engines would do.
func (s Sectors) PlanRaw(engine Engine, content Sector) (RawWrite, error) {
	current, ok := s.Current(engine)
	if !ok {
		return planRaw(engine, content, 1, 1)
	}
	before := s.at(current)
	sequence := uint8(1)
	if block, ok := before.VersionBlock(); ok {
		sequence = block.Sequence + 1
	}
	plan, err := planRaw(engine, content, 2-current, sequence)
	if err == nil {
		steps := retire(before, current+1, engine)
		steps[0].Check = true
		plan.Steps = append(plan.Steps, steps...)
	}
	return plan, err
}

// planRaw plans a complete copy. It counts only from the last word on, the one
// with the mark that the copy is complete: on erased flash that is FF.
func planRaw(engine Engine, content Sector, number int, sequence uint8) (RawWrite, error) {
	sector, err := ComposeSector(engine, content, sequence)
	if err != nil {
		return RawWrite{}, err
	}
	header := bytes.Clone(sector.Reveal()[:headerSize])
	fillBytes(header[headerIncomplete:headerMagic], 0xFF)
	at := func(offset int, data []byte) RawStep {
		return RawStep{Copy: number, Offset: offset, Data: secret.Of(data)}
	}
	mark := at(headerIncomplete, sector.Reveal()[headerIncomplete:headerMagic])
	mark.Check = true
	return RawWrite{Copy: number, Sector: sector, Steps: []RawStep{
		{Copy: number, Erase: true},
		at(headerSize, sector.Reveal()[headerSize:]),
		at(0, header),
		mark,
	}}, nil
}

// retire makes a copy give way to its successor: by the two bytes that the new
// engine clears, and for the old engine, which keeps one copy, by erasing it.
func retire(before Sector, number int, engine Engine) []RawStep {
	cleared := func(offset, which int) RawStep {
		word := bytes.Clone(before.Reveal()[offset : offset+4])
		word[which] = 0
		return RawStep{Copy: number, Offset: offset, Data: secret.Of(word)}
	}
	steps := []RawStep{
		cleared(headerIncomplete, headerCurrent-headerIncomplete),
		cleared(versionBlockStart+blockInitial, 0),
	}
	if engine == EngineOld {
		steps = append(steps, RawStep{Copy: number, Erase: true})
	}
	return steps
}

// ComposeSector returns content as a complete copy of the DCT for an engine:
// with a version block of that sequence and the right CRC for the new engine
// and for EngineUnknown, without a version block for the old one, which counts
// nothing. The header is that of content where it has one. content is not
// changed.
func ComposeSector(engine Engine, content Sector, sequence uint8) (Sector, error) {
	if content.Len() != SectorSize {
		return Sector{}, fmt.Errorf("%w: the content has %d bytes, not %d", ErrCompose, content.Len(), SectorSize)
	}
	raw := bytes.Clone(content.Reveal())
	if !content.hasMagic() {
		clear(raw[:headerSize])
	}
	clear(raw[:headerIncomplete]) // the sizes, 0 in every image
	markComplete(raw)
	sector := Sector{secret.Of(raw)}
	if engine == EngineOld {
		fillBytes(raw[versionBlockStart:], 0xFF)
		return sector, nil
	}
	block := raw[versionBlockStart:]
	clear(block)
	binary.LittleEndian.PutUint32(block, versionMagic)
	binary.LittleEndian.PutUint16(block[blockSDK:], newestSDK)
	block[blockSequence] = sequence
	binary.LittleEndian.PutUint32(block[blockCRC:], sector.crc())
	return sector, nil
}

// WithArea returns a copy of the sector with data at an offset of the
// application DCT. Its version block does not fit any more: ComposeSector
// makes a new one.
func (s Sector) WithArea(offset int, data []byte) (Sector, error) {
	if s.Len() != SectorSize || offset < 0 || offset > AreaSize-len(data) {
		return Sector{}, fmt.Errorf("%w: %d bytes at %d of the application DCT", ErrCompose, len(data), offset)
	}
	raw := bytes.Clone(s.Reveal())
	copy(raw[AreaStart+offset:], data)
	return Sector{secret.Of(raw)}, nil
}

func fillBytes(b []byte, value byte) {
	for i := range b {
		b[i] = value
	}
}
