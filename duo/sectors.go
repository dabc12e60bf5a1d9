package duo

// Sectors are the copies of a DCT that are at hand: copy 1 and copy 2, or one
// sector alone.
type Sectors []Sector

// Engine returns EngineNew when a sector has a valid version block, since
// only the new engine writes one, and EngineUnknown otherwise.
func (s Sectors) Engine() Engine {
	for _, sector := range s {
		if _, ok := sector.VersionBlock(); ok {
			return EngineNew
		}
	}
	return EngineUnknown
}

// Current returns the index of the copy that engine takes as the current one,
// and false when it takes none: then it would initialise the DCT.
//
// With EngineUnknown the engine is guessed by Engine. Where that does not
// tell, both engines are asked: when only one of them finds a copy that copy
// is taken, and when they name different copies there is no answer.
func (s Sectors) Current(engine Engine) (index int, ok bool) {
	if engine == EngineUnknown {
		engine = s.Engine()
	}
	switch engine {
	case EngineNew:
		return s.currentNew()
	case EngineOld:
		return s.currentOld()
	}
	byNew, newOK := s.currentNew()
	byOld, oldOK := s.currentOld()
	switch {
	case newOK && oldOK:
		return byNew, byNew == byOld
	case newOK:
		return byNew, true
	}
	return byOld, oldOK
}

// CurrentArea returns the application DCT of the current copy.
func (s Sectors) CurrentArea(engine Engine) (Area, bool) {
	index, ok := s.Current(engine)
	if !ok {
		return Area{}, false
	}
	return s.at(index).Area(), true
}

// at returns sector i, or the zero Sector when it is not at hand.
func (s Sectors) at(i int) Sector {
	if i < 0 || i >= len(s) {
		return Sector{}
	}
	return s[i]
}

// currentOld is the choice of the old engine, in the vendor's library of
// redbear/firmware commit 72c9d0fc4 and in bootloader r5.
func (s Sectors) currentOld() (int, bool) {
	for i := range 2 {
		if s.at(i).oldCurrent() {
			return i, true
		}
	}
	return 0, false
}

// currentNew is the choice of the new engine, in the vendor's
// wiced_dct_internal_common.o of redbear/firmware
// hal/src/duo/lib/FreeRTOS/STM32F2xx.a.
func (s Sectors) currentNew() (int, bool) {
	class := [2]Class{s.at(0).Class(), s.at(1).Class()}
	switch {
	case class[0] == ClassInvalid && class[1] == ClassInvalid:
		return 0, false
	case class[0] == ClassInvalid:
		return 1, true
	case class[1] == ClassInvalid:
		return 0, true
	case class[0] != class[1]:
		if class[0] == ClassVersioned {
			return 0, true
		}
		return 1, true
	}
	return s.newerOf(), true
}

// newerOf chooses between two complete copies of the same class.
func (s Sectors) newerOf() int {
	first, second := s.at(0).age(), s.at(1).age()
	switch {
	case second.initial:
		return 1
	case first.initial:
		return 0
	case first.sequence != second.sequence:
		// A plain comparison as in the engine: 255 beats 0.
		if second.sequence > first.sequence {
			return 1
		}
		return 0
	case first.sequence != badCRC:
		return 0
	case s.at(0).Reveal()[headerCurrent] != 0:
		return 0
	}
	return 1
}

// badCRC is the sequence that the new engine gives a copy with a wrong CRC.
const badCRC = -1

type sectorAge struct {
	initial  bool
	sequence int
}

// age is what the new engine compares: a legacy copy counts as sequence 0.
func (s Sector) age() sectorAge {
	block, ok := s.VersionBlock()
	switch {
	case !ok:
		return sectorAge{}
	case block.initial:
		return sectorAge{initial: true, sequence: int(block.Sequence)}
	case !block.CRCOK:
		return sectorAge{sequence: badCRC}
	}
	return sectorAge{sequence: int(block.Sequence)}
}
