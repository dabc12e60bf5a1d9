package dfutest

import (
	"strings"
	"testing"

	"duogateway/dfu"
)

var describeCases = []testCase{
	{"descriptors", testDescriptors},
	{"layouts", testLayouts},
}

func testDescriptors(t *testing.T, b *bench) {
	device, recorder := b.open(t)
	info := device.Info()
	if info.Vendor == 0 || len(info.Alts) == 0 {
		t.Errorf("no vendor or no alternate setting: %+v", info)
	}
	for _, alt := range info.Alts {
		if !strings.HasPrefix(alt.Name, "@"+alt.Layout.Name) || len(alt.Layout.Segments) == 0 {
			t.Errorf("alternate setting %d: %q became %+v", alt.Number, alt.Name, alt.Layout)
		}
	}
	if n := recorder.Downloads(0) + recorder.Downloads(2); n != 0 {
		t.Errorf("opening sent %d downloads", n)
	}
}

// testLayouts checks that the areas are what the fixture says.
func testLayouts(t *testing.T, b *bench) {
	device, _ := b.open(t)
	for _, area := range b.Flash {
		layout := layoutOf(t, device, area.Alt)
		if err := layout.Check(area.Addr, area.Length, dfu.Readable|dfu.Erasable|dfu.Writable); err != nil {
			t.Errorf("flash area %+v: %v", area, err)
			continue
		}
		start, size, err := layout.Cover(area.Addr, area.Length)
		if err != nil || start != area.Addr || size != area.Length {
			t.Errorf("flash area %+v: its sectors are 0x%08x+%d, %v", area, start, size, err)
		}
		if first, _ := layout.SectorAt(area.Addr); first.Size >= area.Length {
			t.Errorf("flash area %+v: one sector only", area)
		}
	}
	for _, area := range b.Record {
		if err := layoutOf(t, device, area.Alt).Check(area.Addr, area.Length, dfu.Readable|dfu.Writable); err != nil {
			t.Errorf("record area %+v: %v", area, err)
		}
		if area.Length > device.Info().TransferSize {
			t.Errorf("record area %+v: longer than one block", area)
		}
	}
}

func layoutOf(t *testing.T, device *dfu.Device, number uint8) dfu.Layout {
	t.Helper()
	for _, alt := range device.Info().Alts {
		if alt.Number == number {
			return alt.Layout
		}
	}
	t.Fatalf("no alternate setting %d", number)
	return dfu.Layout{}
}
