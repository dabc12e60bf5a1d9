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

// Other returns the application DCT of the copy that is not current. It holds
// what the board had before its last write, a previous key among it, until the
// next write: the new engine leaves it whole, the old one erases it, and a
// write that was cut short leaves a part of what it was to become. ok is false
// when there is no current copy, or when the other one is erased or not at
// hand.
func (s Sectors) Other(engine Engine) (area Area, ok bool) {
	index, ok := s.Current(engine)
	if !ok {
		return Area{}, false
	}
	return s.at(1 - index).remains()
}

// DiagnoseOther diagnoses the copy that Other returns. Size is that of the
// area, for it is not a dump of its own.
func (s Sectors) DiagnoseOther(engine Engine) (Diagnosis, bool) {
	area, ok := s.Other(engine)
	if !ok {
		return Diagnosis{}, false
	}
	if engine == EngineUnknown {
		engine = s.Engine()
	}
	d := Diagnosis{Size: area.Len(), Engine: engine}
	d.fields(area)
	return d, true
}

// areas returns what the copies hold, the current one first. Without a current
// copy it is what is left in any of them.
func (s Sectors) areas(engine Engine) []Area {
	if area, ok := s.CurrentArea(engine); ok {
		if other, ok := s.Other(engine); ok {
			return []Area{area, other}
		}
		return []Area{area}
	}
	var areas []Area
	for _, sector := range s {
		if area, ok := sector.remains(); ok {
			areas = append(areas, area)
		}
	}
	return areas
}

// remains returns the area of a sector, be its header valid or not, and false
// when the sector holds nothing.
func (s Sector) remains() (Area, bool) {
	area := s.Area()
	return area, !allBytes(area.Reveal(), 0xFF)
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
