package dfu

import (
	"fmt"
	"strconv"
	"strings"
)

// Access says what may be done with a sector. The letters a to g of a layout
// string are the values 1 to 7.
type Access uint8

// The bits of an Access (ST UM0424, section 4.3.2).
const (
	Readable Access = 1 << iota
	Erasable
	Writable
)

// String names the bits, for messages.
func (a Access) String() string {
	var words []string
	for _, bit := range []struct {
		access Access
		word   string
	}{{Readable, "readable"}, {Erasable, "erasable"}, {Writable, "writable"}} {
		if a&bit.access != 0 {
			words = append(words, bit.word)
		}
	}
	return strings.Join(words, " and ")
}

// Segment is a run of equal sectors.
type Segment struct {
	Addr       uint32 // of the first sector
	Sectors    int    // 1 to maxSectors
	SectorSize int    // bytes, 1 to maxSectorSize
	Access     Access
}

// Sector is one erasable unit.
type Sector struct {
	Addr   uint32
	Size   int // bytes
	Access Access
}

// Layout is the memory behind one alternate setting, as its string tells.
type Layout struct {
	Name     string    // such as "Internal Flash", without padding
	Segments []Segment // in the order of the string; they do not overlap
}

// Bounds of what a layout string may claim. A string descriptor holds at most
// 126 UTF-16 units, which are at most 378 bytes of UTF-8.
const (
	maxLayoutText = 378
	maxSectors    = 1 << 16
	maxSectorSize = 1 << 30
	addressSpace  = 1 << 32
)

// ParseLayout reads a DfuSe layout string: "@NAME/0xADDRESS/SECTORS", where
// SECTORS are "COUNT*SIZE UNIT LETTER" with commas between, the unit is B, K,
// M, a blank or nothing (bytes), and more "/0xADDRESS/SECTORS" may follow.
func ParseLayout(text string) (Layout, error) {
	if len(text) > maxLayoutText {
		return Layout{}, fmt.Errorf("layout string of %d bytes: longer than a string descriptor", len(text))
	}
	name, found := strings.CutPrefix(text, "@")
	if !found {
		return Layout{}, fmt.Errorf("layout string %q: does not start with @", text)
	}
	parts := strings.Split(name, "/")
	if len(parts) < 3 || len(parts)%2 == 0 {
		return Layout{}, fmt.Errorf("layout string %q: not a name and pairs of address and sectors", text)
	}
	layout := Layout{Name: strings.TrimSpace(parts[0])}
	for i := 1; i < len(parts); i += 2 {
		if err := layout.addRegion(parts[i], parts[i+1]); err != nil {
			return Layout{}, fmt.Errorf("layout string %q: %w", text, err)
		}
	}
	return layout, nil
}

// addRegion appends the segments of one address and its list of sectors.
func (l *Layout) addRegion(address, sectors string) error {
	digits, found := strings.CutPrefix(strings.TrimSpace(address), "0x")
	if !found {
		return fmt.Errorf("address %q does not start with 0x", address)
	}
	at, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	for text := range strings.SplitSeq(sectors, ",") {
		segment, err := parseSegment(text)
		if err != nil {
			return err
		}
		end := at + segment.length()
		if end > addressSpace {
			return fmt.Errorf("sectors %q end beyond 32 bits", text)
		}
		segment.Addr = uint32(at)
		if l.overlaps(segment) {
			return fmt.Errorf("sectors %q overlap others", text)
		}
		l.Segments = append(l.Segments, segment)
		at = end
	}
	return nil
}

// parseSegment reads "COUNT*SIZE UNIT LETTER"; the address is still to come.
func parseSegment(text string) (Segment, error) {
	count, size, found := strings.Cut(strings.TrimSpace(text), "*")
	if !found || size == "" {
		return Segment{}, fmt.Errorf("sectors %q: not COUNT*SIZE", text)
	}
	letter := size[len(size)-1]
	if letter < 'a' || letter > 'g' {
		return Segment{}, fmt.Errorf("sectors %q: no letter from a to g", text)
	}
	size, unit := cutUnit(size[:len(size)-1])
	sectors, err := strconv.ParseUint(count, 10, 32)
	if err != nil || sectors < 1 || sectors > maxSectors {
		return Segment{}, fmt.Errorf("sectors %q: count is not 1 to %d", text, maxSectors)
	}
	units, err := strconv.ParseUint(size, 10, 32)
	if err != nil || units < 1 || units*unit > maxSectorSize {
		return Segment{}, fmt.Errorf("sectors %q: size is not 1 to %d bytes", text, maxSectorSize)
	}
	return Segment{Sectors: int(sectors), SectorSize: int(units * unit), Access: Access(letter-'a') + 1}, nil
}

// cutUnit splits the unit off a size and gives it in bytes.
func cutUnit(size string) (digits string, bytes uint64) {
	for _, unit := range []struct {
		letter string
		bytes  uint64
	}{{"B", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {" ", 1}} {
		if digits, found := strings.CutSuffix(size, unit.letter); found {
			return digits, unit.bytes
		}
	}
	return size, 1
}

func (s Segment) length() uint64 { return uint64(s.Sectors) * uint64(s.SectorSize) }

func (s Segment) end() uint64 { return uint64(s.Addr) + s.length() }

func (s Segment) holds(at uint64) bool { return at >= uint64(s.Addr) && at < s.end() }

func (l Layout) overlaps(s Segment) bool {
	for _, other := range l.Segments {
		if uint64(s.Addr) < other.end() && uint64(other.Addr) < s.end() {
			return true
		}
	}
	return false
}

func (l Layout) segmentAt(at uint64) (Segment, bool) {
	for _, segment := range l.Segments {
		if segment.holds(at) {
			return segment, true
		}
	}
	return Segment{}, false
}

// SectorAt returns the sector that holds addr; false if there is none.
func (l Layout) SectorAt(addr uint32) (Sector, bool) {
	segment, found := l.segmentAt(uint64(addr))
	if !found {
		return Sector{}, false
	}
	offset := addr - segment.Addr
	return Sector{
		Addr:   addr - offset%uint32(segment.SectorSize),
		Size:   segment.SectorSize,
		Access: segment.Access,
	}, true
}

// Check returns nil if length bytes from addr (at least one) lie in sectors
// that all allow need.
func (l Layout) Check(addr uint32, length int, need Access) error {
	if length < 1 {
		return fmt.Errorf("length %d is not positive", length)
	}
	end := uint64(addr) + uint64(length)
	for at := uint64(addr); at < end; {
		segment, found := l.segmentAt(at)
		if !found {
			return fmt.Errorf("0x%08x is outside the memory", at)
		}
		if segment.Access&need != need {
			return fmt.Errorf("0x%08x is not %v", at, need)
		}
		at = segment.end()
	}
	return nil
}

// Cover returns the extent of all sectors that hold a byte of the range: what
// an erase of the range takes with it. The range must pass [Layout.Check].
func (l Layout) Cover(addr uint32, length int) (start uint32, size int, err error) {
	if err := l.Check(addr, length, 0); err != nil {
		return 0, 0, err
	}
	first, _ := l.SectorAt(addr)
	last, _ := l.SectorAt(addr + uint32(length-1))
	return first.Addr, int(uint64(last.Addr) + uint64(last.Size) - uint64(first.Addr)), nil
}
