package duo

import (
	"errors"
	"strings"
	"testing"
)

func TestParseDeviceID(t *testing.T) {
	const good = "30001a000547333832363134"
	for _, text := range []string{good, strings.ToUpper(good)} {
		if id, err := ParseDeviceID(text); err != nil || id != good {
			t.Errorf("ParseDeviceID(%q) = %q, %v", text, id, err)
		}
	}
	for _, text := range []string{
		"", "00000000010C", good[1:], good + "00", "g" + good[1:], " " + good[1:],
		strings.Repeat("f", 24), strings.Repeat("F", 24), strings.Repeat("0", 24),
	} {
		if id, err := ParseDeviceID(text); !errors.Is(err, ErrDeviceID) || id != "" {
			t.Errorf("ParseDeviceID(%q) = %q, %v", text, id, err)
		}
		if _, ok := DeviceIDFromSerial(text); ok {
			t.Errorf("DeviceIDFromSerial(%q) is an id", text)
		}
	}
}

func TestGenerations(t *testing.T) {
	for version, want := range map[uint16][3]uint32{
		3: {0x08004000, 0x08008000, 0x08004000},
		4: {0x08004000, 0x08008000, 0x08004000},
		5: {0x08008000, 0x0800C000, 0x08008000},
		6: {0x08008000, 0x0800C000, 0x08008000},
	} {
		gen, err := ParseGeneration(version)
		if err != nil || !gen.Valid() {
			t.Fatalf("version %d: %v", version, err)
		}
		bases := gen.SectorBases()
		if got := [3]uint32{bases[0], bases[1], gen.ProtectedEnd()}; got != want {
			t.Errorf("%v: %#x, want %#x", gen, got, want)
		}
	}
	for _, version := range []uint16{0, 2, 7, 0x0103, VersionErased} {
		if _, err := ParseGeneration(version); !errors.Is(err, ErrGeneration) {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if Generation(0).Valid() {
		t.Error("the zero generation is valid")
	}
}

func TestEngines(t *testing.T) {
	tests := []struct {
		gen        Generation
		part2      uint16
		firmware   Engine
		bootloader Engine
		err        error
	}{
		{R3, 6, EngineOld, EngineOld, nil},
		{R5, 9, EngineOld, EngineOld, nil},
		{R5, 11, EngineNew, EngineOld, nil},
		{R5, VersionErased, EngineUnknown, EngineOld, nil},
		{R6, 10, EngineNew, EngineNew, nil},
		{R6, 11, EngineNew, EngineNew, nil},
		{R6, 9, EngineOld, EngineUnknown, ErrSystemParts},
		{R6, VersionErased, EngineUnknown, EngineUnknown, ErrSystemParts},
		{0, 11, EngineNew, EngineUnknown, ErrGeneration},
	}
	for _, test := range tests {
		if got := FirmwareEngine(test.part2); got != test.firmware {
			t.Errorf("part 2 version %d: %v, want %v", test.part2, got, test.firmware)
		}
		got, err := BootloaderEngine(test.gen, test.part2)
		if got != test.bootloader || !errors.Is(err, test.err) {
			t.Errorf("%v with part 2 version %d: %v, %v, want %v, %v",
				test.gen, test.part2, got, err, test.bootloader, test.err)
		}
	}
}
