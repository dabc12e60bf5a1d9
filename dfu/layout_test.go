package dfu_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"duogateway/dfu"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	all = dfu.Readable | dfu.Erasable | dfu.Writable
)

// The strings are those of shipped devices: the first four from
// redbear/firmware usbd_flash_if.h:42, usbd_dct_if.h:25, usbd_sflash_if.h:30
// and its older images, the others from ST's own bootloaders.
var layouts = []struct {
	text string
	want dfu.Layout
}{
	{"@Internal Flash   /0x08000000/02*016Ka,02*016Kg,01*064Kg,07*128Kg", dfu.Layout{Name: "Internal Flash", Segments: []dfu.Segment{
		{0x08000000, 2, 16 * kib, dfu.Readable}, {0x08008000, 2, 16 * kib, all},
		{0x08010000, 1, 64 * kib, all}, {0x08020000, 7, 128 * kib, all},
	}}},
	{"@Internal Flash   /0x08000000/01*016Ka,02*016Kg,01*016Kg,01*064Kg,07*128Kg", dfu.Layout{Name: "Internal Flash", Segments: []dfu.Segment{
		{0x08000000, 1, 16 * kib, dfu.Readable}, {0x08004000, 2, 16 * kib, all}, {0x0800C000, 1, 16 * kib, all},
		{0x08010000, 1, 64 * kib, all}, {0x08020000, 7, 128 * kib, all},
	}}},
	{"@DCT Flash   /0x00000000/01*016Kg", dfu.Layout{Name: "DCT Flash", Segments: []dfu.Segment{{0, 1, 16 * kib, all}}}},
	{"@Serial Flash   /0x00000000/192*004Kg,128*004Kg,64*004Kg,128*004Kg", dfu.Layout{Name: "Serial Flash", Segments: []dfu.Segment{
		{0, 192, 4 * kib, all}, {0xC0000, 128, 4 * kib, all}, {0x140000, 64, 4 * kib, all}, {0x180000, 128, 4 * kib, all},
	}}},
	{"@Option Bytes  /0x1FFFC000/01*016 e", dfu.Layout{Name: "Option Bytes", Segments: []dfu.Segment{
		{0x1FFFC000, 1, 16, dfu.Readable | dfu.Writable},
	}}},
	{"@OTP Memory /0x1FFF7800/01*512 e,01*016 e", dfu.Layout{Name: "OTP Memory", Segments: []dfu.Segment{
		{0x1FFF7800, 1, 512, dfu.Readable | dfu.Writable}, {0x1FFF7A00, 1, 16, dfu.Readable | dfu.Writable},
	}}},
	{"@Device Feature/0xFFFF0000/01*004e", dfu.Layout{Name: "Device Feature", Segments: []dfu.Segment{
		{0xFFFF0000, 1, 4, dfu.Readable | dfu.Writable},
	}}},
	{"@Two/0x10000000/2*1Mb/0x20000000/1*8Bc,1*8Bd", dfu.Layout{Name: "Two", Segments: []dfu.Segment{
		{0x10000000, 2, mib, dfu.Erasable}, {0x20000000, 1, 8, dfu.Readable | dfu.Erasable}, {0x20000008, 1, 8, dfu.Writable},
	}}},
	{"@Top/0xFFFFF000/01*004Kf", dfu.Layout{Name: "Top", Segments: []dfu.Segment{
		{0xFFFFF000, 1, 4 * kib, dfu.Erasable | dfu.Writable},
	}}},
}

func TestParseLayout(t *testing.T) {
	for _, c := range layouts {
		got, err := dfu.ParseLayout(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}

var brokenLayouts = []string{
	"", "@", "Flash/0x0/01*001Kg", "@Flash", "@Flash/0x0", "@Flash/0x0/", "@Flash/0x0/01*001Kg/", "@Flash/0x0/01*001Kg/0x8",
	"@F/08000000/01*001Kg", "@F/0xG/01*001Kg", "@F/0x100000000/01*001Kg", "@F/0x-1/01*001Kg",
	"@F/0x0/01*001K", "@F/0x0/01*001Kh", "@F/0x0/01*001KG", "@F/0x0/01001Kg", "@F/0x0/*001Kg", "@F/0x0/01*Kg", "@F/0x0/01*g",
	"@F/0x0/00*001Kg", "@F/0x0/01*000Kg", "@F/0x0/-1*001Kg", "@F/0x0/01*-01Kg", "@F/0x0/01*001KKg",
	"@F/0x0/65537*001Kg", "@F/0x0/01*999999Mg", "@F/0x0/99999999999999999999*001Kg", "@F/0x0/01*001Kg,", "@F/0x0/,01*001Kg",
	"@F/0xFFFFF000/02*004Kg", "@F/0xFFFFF000/01*004Kg,01*001Bg",
	"@F/0x0/02*004Kg/0x1000/01*004Kg", "@F/0x1000/01*004Kg/0x0/02*004Kg",
	"@F/0x0/" + strings.Repeat("01*001Bg,", 60) + "01*001Bg",
}

func TestParseLayoutRefuses(t *testing.T) {
	for _, text := range brokenLayouts {
		if got, err := dfu.ParseLayout(text); err == nil {
			t.Errorf("%q: accepted as %+v", text, got)
		}
	}
}

// format is the inverse of ParseLayout.
func format(layout dfu.Layout) string {
	var out strings.Builder
	fmt.Fprintf(&out, "@%s", layout.Name)
	next := uint64(math.MaxUint64)
	for _, s := range layout.Segments {
		separator := ","
		if uint64(s.Addr) != next {
			separator = fmt.Sprintf("/0x%08X/", s.Addr)
		}
		fmt.Fprintf(&out, "%s%d*%dB%c", separator, s.Sectors, s.SectorSize, 'a'+s.Access-1)
		next = uint64(s.Addr) + uint64(s.Sectors)*uint64(s.SectorSize)
	}
	return out.String()
}

// FuzzParseLayout: no string does harm, and what is accepted is sound: it
// survives being written down, and its sectors are where it says.
func FuzzParseLayout(f *testing.F) {
	for _, c := range layouts {
		f.Add(c.text)
	}
	for _, text := range brokenLayouts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		layout, err := dfu.ParseLayout(text)
		if err != nil {
			return
		}
		for _, s := range layout.Segments {
			end := uint64(s.Addr) + uint64(s.Sectors)*uint64(s.SectorSize)
			if s.Sectors < 1 || s.SectorSize < 1 || end > 1<<32 || s.Access < 1 || s.Access > 7 {
				t.Fatalf("%q: segment %+v", text, s)
			}
			last := uint32(end - 1)
			sector, found := layout.SectorAt(last)
			if !found || uint64(sector.Addr)+uint64(sector.Size) != end || sector.Access != s.Access {
				t.Fatalf("%q: last sector of %+v is %+v, %v", text, s, sector, found)
			}
		}
		if len(format(layout)) > 378 {
			return // plain numbers can be longer than what they were read from
		}
		again, err := dfu.ParseLayout(format(layout))
		if err != nil || !reflect.DeepEqual(again, layout) {
			t.Fatalf("%q: became %q: %+v, %v", text, format(layout), again, err)
		}
	})
}

func TestLayoutCheck(t *testing.T) {
	layout, err := dfu.ParseLayout("@F/0x1000/02*001Ka,02*002Kg/0xFFFFF000/01*004Kg")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		addr   uint32
		length int
		need   dfu.Access
		ok     bool
	}{
		{0x1000, 1, dfu.Readable, true},
		{0x1000, 0x1800, dfu.Readable, true},
		{0x1000, 0x1801, dfu.Readable, false},
		{0x0FFF, 1, dfu.Readable, false},
		{0x0FFF, 2, dfu.Readable, false},
		{0x1000, 1, dfu.Writable, false},
		{0x17FF, 1, dfu.Writable, false},
		{0x17FF, 2, dfu.Writable, false},
		{0x1800, 0x1000, all, true},
		{0x27FF, 1, all, true},
		{0x2800, 1, dfu.Readable, false},
		{0x1000, 0, dfu.Readable, false},
		{0x1000, -5, dfu.Readable, false},
		{0x1000, math.MaxInt, dfu.Readable, false},
		{0xFFFFFFFF, 1, all, true},
		{0xFFFFF000, 0x1000, all, true},
		{0xFFFFFFFF, 2, all, false},
	} {
		if err := layout.Check(c.addr, c.length, c.need); (err == nil) != c.ok {
			t.Errorf("0x%x+%d %v: %v, want ok %v", c.addr, c.length, c.need, err, c.ok)
		}
	}
}

// TestLayoutAgainstList holds Check, SectorAt and Cover against a plain list of
// all sectors.
func TestLayoutAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Uint32Range(0, 300).Draw(t, "base")
		var sectors []dfu.Sector
		var texts []string
		at := base
		for range rapid.IntRange(1, 4).Draw(t, "segments") {
			count, size := rapid.IntRange(1, 3).Draw(t, "count"), rapid.IntRange(1, 40).Draw(t, "size")
			access := dfu.Access(rapid.IntRange(1, 7).Draw(t, "access"))
			texts = append(texts, fmt.Sprintf("%d*%dB%c", count, size, 'a'+access-1))
			for range count {
				sectors = append(sectors, dfu.Sector{Addr: at, Size: size, Access: access})
				at += uint32(size)
			}
		}
		layout, err := dfu.ParseLayout(fmt.Sprintf("@F/0x%X/%s", base, strings.Join(texts, ",")))
		if err != nil {
			t.Fatal(err)
		}
		addr, length := rapid.Uint32Range(0, 600).Draw(t, "addr"), rapid.IntRange(1, 200).Draw(t, "length")
		need := dfu.Access(rapid.IntRange(0, 7).Draw(t, "need"))
		covered, start, end := 0, uint32(0), uint32(0)
		for _, s := range sectors {
			from, to := max(s.Addr, addr), min(s.Addr+uint32(s.Size), addr+uint32(length))
			if from >= to {
				continue
			}
			if covered == 0 {
				start = s.Addr
			}
			if s.Access&need == need {
				covered += int(to - from)
			}
			end = s.Addr + uint32(s.Size)
			if got, found := layout.SectorAt(from); !found || got != s {
				t.Fatalf("sector at %d: %+v, want %+v", from, got, s)
			}
		}
		err = layout.Check(addr, length, need)
		if (err == nil) != (covered == length) {
			t.Fatalf("check: %v, but %d of %d bytes are there", err, covered, length)
		}
		if err != nil {
			return
		}
		gotStart, gotSize, err := layout.Cover(addr, length)
		if err != nil || gotStart != start || gotSize != int(end-start) {
			t.Fatalf("cover: %d+%d, %v, want %d+%d", gotStart, gotSize, err, start, end-start)
		}
	})
}
