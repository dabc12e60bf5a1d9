package virtualduo

import "time"

// A flash bit can only be cleared by programming; erasing sets a whole sector
// to ones. Every change of flash is cut into operations, each of which takes
// time, and of which the last one may be cut short by a loss of power.

// memory is one flash chip.
type memory []byte

func blankMemory(size int) memory {
	m := make(memory, size)
	fill(m, 0xFF)
	return m
}

// operation is one step of the flash hardware: the erase of a sector, when
// data is nil, or the programming of a few bytes.
type operation struct {
	target   memory
	offset   int
	size     int
	data     []byte
	duration time.Duration
}

func (o operation) apply() {
	where := o.target[o.offset : o.offset+o.size]
	if o.data == nil {
		fill(where, 0xFF)
		return
	}
	program(where, o.data)
}

// applyPartly is what is left when power goes in the middle: the first half
// of an erased sector is blank, the lower half of a word is programmed, and a
// single byte is not programmed at all. Real silicon may do anything to the
// bytes concerned; this is a repeatable choice.
func (o operation) applyPartly() {
	half := o
	half.size /= 2
	if half.data != nil {
		half.data = half.data[:half.size]
	}
	half.apply()
}

func program(where, data []byte) {
	if isBlank(where) {
		copy(where, data)
		return
	}
	for i, b := range data {
		where[i] &= b
	}
}

func fill(where []byte, value byte) {
	if len(where) == 0 {
		return
	}
	where[0] = value
	for done := 1; done < len(where); done *= 2 {
		copy(where[done:], where[:done])
	}
}

// sector is an erasable range of internal flash, as offsets.
type sector struct{ offset, size int }

// sectorAt returns the sector that holds offset: four of 16 KiB, one of
// 64 KiB, seven of 128 KiB.
func sectorAt(offset int) sector {
	const small, medium, large = 16 << 10, 64 << 10, 128 << 10
	switch {
	case offset < 4*small:
		return sector{offset / small * small, small}
	case offset < large:
		return sector{medium, medium}
	default:
		return sector{offset / large * large, large}
	}
}

func (t Timing) erase(s sector) time.Duration {
	switch s.size {
	case 16 << 10:
		return t.Erase16K
	case 64 << 10:
		return t.Erase64K
	default:
		return t.Erase128K
	}
}

func eraseInternal(target memory, s sector, timing Timing) operation {
	return operation{target: target, offset: s.offset, size: s.size, duration: timing.erase(s)}
}

// programInternal cuts data into single bytes up to a word boundary, words,
// and single bytes behind.
func programInternal(target memory, offset int, data []byte, timing Timing) []operation {
	var operations []operation
	for len(data) > 0 {
		size := 1
		if offset%4 == 0 && len(data) >= 4 {
			size = 4
		}
		operations = append(operations, operation{target, offset, size, data[:size], timing.Program})
		offset += size
		data = data[size:]
	}
	return operations
}

// programSerial cuts data into page programs.
func programSerial(target memory, offset int, data []byte, timing Timing) []operation {
	var operations []operation
	for len(data) > 0 {
		size := min(serialPageSize-offset%serialPageSize, len(data))
		operations = append(operations, operation{target, offset, size, data[:size], timing.SerialPage})
		offset += size
		data = data[size:]
	}
	return operations
}
