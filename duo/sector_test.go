package duo

import (
	"bytes"
	"encoding/binary"
	"testing"

	"duogateway/secret"
)

// The vendor's compiled code made these images; sequence and CRC are its own.
func TestGoldenSectors(t *testing.T) {
	yes, no := true, false
	one, two := uint8(1), uint8(2)
	legacy, blank := SectorReport{Class: ClassLegacy}, SectorReport{Class: ClassInvalid}
	tests := []struct {
		file    string
		sectors [2]SectorReport
		engine  Engine
		current int
	}{
		{"fac-dct-r1.bin", [2]SectorReport{legacy, blank}, EngineUnknown, 1},
		{"new-init-from-blank.bin", [2]SectorReport{legacy, blank}, EngineUnknown, 1},
		{"old-1-facdct-then-reset34.bin", [2]SectorReport{legacy, blank}, EngineUnknown, 1},
		{"new-1-facdct-then-reset34.bin", [2]SectorReport{legacy, {ClassVersioned, &one, &yes}}, EngineNew, 2},
		{"new-2-then-serverkey2082.bin", [2]SectorReport{{ClassVersioned, &two, &yes}, {ClassVersioned, &one, &no}}, EngineNew, 1},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			dump, err := ParseDump(testdata(t, test.file), StartBySize)
			if err != nil {
				t.Fatal(err)
			}
			d := dump.Diagnose(EngineUnknown)
			if d.Engine != test.engine || d.Current != test.current || d.Size != 32768 {
				t.Errorf("engine %v, current %d, size %d", d.Engine, d.Current, d.Size)
			}
			for i, want := range test.sectors {
				if got := d.Sectors[i]; !sameReport(got, want) {
					t.Errorf("sector %d: %+v, want %+v", i+1, got, want)
				}
			}
		})
	}
}

func sameReport(a, b SectorReport) bool {
	same := func(x, y bool) bool { return x == y }
	return a.Class == b.Class &&
		same(a.Sequence == nil, b.Sequence == nil) && (a.Sequence == nil || *a.Sequence == *b.Sequence) &&
		same(a.CRCOK == nil, b.CRCOK == nil) && (a.CRCOK == nil || *a.CRCOK == *b.CRCOK)
}

// change returns a copy of a sector with one byte set.
func change(raw []byte, at int, value byte) []byte {
	raw = bytes.Clone(raw)
	raw[at] = value
	return raw
}

func TestClasses(t *testing.T) {
	legacy, versioned := legacySector(), versionedSector(7, 0)
	newerSDK := bytes.Clone(versioned)
	binary.LittleEndian.PutUint16(newerSDK[versionBlockStart+blockSDK:], newestSDK+1)
	tests := []struct {
		name string
		raw  []byte
		want Class
	}{
		{"legacy", legacy, ClassLegacy},
		{"versioned", versioned, ClassVersioned},
		{"wrong CRC", change(versioned, 5000, 1), ClassVersioned},
		{"blank", bytes.Repeat([]byte{0xFF}, SectorSize), ClassInvalid},
		{"zeros", make([]byte, SectorSize), ClassInvalid},
		{"write incomplete", change(versioned, headerIncomplete, 1), ClassInvalid},
		{"used more than full", change(legacy, headerUsedSize, 1), ClassInvalid},
		{"used as full", change(change(legacy, headerUsedSize, 1), 0, 1), ClassLegacy},
		{"no magic", change(legacy, headerMagic+3, 0), ClassInvalid},
		{"not current", change(legacy, headerCurrent, 0), ClassLegacy},
		{"SDK 0", change(change(versioned, versionBlockStart+blockSDK, 0), versionBlockStart+blockSDK+1, 0), ClassLegacy},
		{"SDK too new", newerSDK, ClassLegacy},
		{"not at hand", nil, ClassInvalid},
		{"cut short", legacy[:SectorSize-1], ClassInvalid},
	}
	for _, test := range tests {
		if got := (Sector{secret.Of(test.raw)}).Class(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestNewSector(t *testing.T) {
	if _, err := NewSector(make([]byte, SectorSize)); err != nil {
		t.Error(err)
	}
	if _, err := NewSector(make([]byte, SectorSize-1)); err == nil {
		t.Error("a short sector is accepted")
	}
}

func TestCurrent(t *testing.T) {
	legacy := legacySector()
	retired := change(legacy, headerCurrent, 0)
	blank := bytes.Repeat([]byte{0xFF}, SectorSize)
	badCRC := func(sequence byte) []byte { return change(versionedSector(sequence, 0), headerCurrent, 0) }
	initial := bytes.Clone(versionedSector(3, 0))
	binary.LittleEndian.PutUint32(initial[versionBlockStart+blockCRC:], 0)
	initial[versionBlockStart+blockInitial] = 1
	notInitial := change(versionedSector(3, 0), versionBlockStart+blockInitial, 1)
	const none = 0
	tests := []struct {
		name             string
		first, second    []byte
		byNew, byOld, by int // the copy by each engine and without a known one
	}{
		{"nothing", blank, blank, none, none, none},
		{"first only", legacy, blank, 1, 1, 1},
		{"second only", blank, legacy, 2, 2, 2},
		{"one sector at hand", legacy, nil, 1, 1, 1},
		{"two legacy", legacy, legacy, 1, 1, 1},
		{"old engine says second, new says first", retired, legacy, 1, 2, none},
		{"only the new engine finds one", retired, blank, 1, none, 1},
		{"versioned beats legacy", versionedSector(1, 0), retired, 1, 1, 1},
		{"versioned beats legacy, second", retired, versionedSector(1, 0), 2, 2, 2},
		{"a wrong CRC beats legacy", legacy, badCRC(1), 2, 1, 2},
		{"larger sequence", versionedSector(4, 0), versionedSector(5, 0), 2, 1, 2},
		{"larger sequence, first", versionedSector(6, 0), versionedSector(5, 0), 1, 1, 1},
		{"no wrap", versionedSector(255, 0), versionedSector(0, 0), 1, 1, 1},
		{"a wrong CRC loses", badCRC(9), versionedSector(0, 0), 2, 2, 2},
		{"same sequence", versionedSector(5, 0), versionedSector(5, 1), 1, 1, 1},
		{"both CRCs wrong", change(versionedSector(5, 0), 5000, 0), badCRC(6), 1, 1, 1},
		{"both CRCs wrong, first retired", badCRC(5), change(versionedSector(6, 0), 5000, 0), 2, 2, 2},
		{"initial beats all, second", versionedSector(9, 0), initial, 2, 1, 2},
		{"initial beats all, first", initial, versionedSector(9, 0), 1, 1, 1},
		{"initial with a CRC is none", versionedSector(9, 0), notInitial, 1, 1, 1},
		{"cut while writing the second", versionedSector(1, 0), change(versionedSector(2, 0), headerIncomplete, 1), 1, 1, 1},
	}
	for _, test := range tests {
		sectors := Sectors{{secret.Of(test.first)}, {secret.Of(test.second)}}
		for engine, want := range map[Engine]int{EngineNew: test.byNew, EngineOld: test.byOld, EngineUnknown: test.by} {
			got := none
			if index, ok := sectors.Current(engine); ok {
				got = index + 1
			}
			if got != want {
				t.Errorf("%s: engine %v takes %d, want %d", test.name, engine, got, want)
			}
		}
	}
}

func TestParseRaw(t *testing.T) {
	blank := bytes.Repeat([]byte{0xFF}, SectorSize)
	code := bytes.Repeat([]byte{0x47}, SectorSize)
	first, second := versionedSector(1, 0xA1), versionedSector(2, 0xA2)
	tests := []struct {
		name    string
		raw     []byte
		gens    []Generation
		current int
	}{
		{"r3 and r4", bytes.Join([][]byte{first, second, blank}, nil), []Generation{R3, R4}, 1},
		{"r4 with an erased first copy", bytes.Join([][]byte{blank, second, blank}, nil), []Generation{R3, R4}, 1},
		{"r5 and r6", bytes.Join([][]byte{code, first, second}, nil), []Generation{R5, R6}, 1},
		{"r6 with one copy", bytes.Join([][]byte{code, second, blank}, nil), []Generation{R5, R6}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, gen := range test.gens {
				sectors, err := ParseRaw(test.raw, gen)
				if err != nil {
					t.Fatal(err)
				}
				area, ok := sectors.CurrentArea(EngineNew)
				if !ok || area.Reveal()[0] != 0xA2 {
					t.Errorf("%v: the current copy is wrong", gen)
				}
				dump, err := ParseDump(test.raw, StartBySize)
				if err != nil || len(dump.Sectors) != 2 || !bytes.Equal(dump.Sectors[0].Reveal(), sectors[0].Reveal()) {
					t.Errorf("%v: without the generation other sectors are found (%v)", gen, err)
				}
				if index, _ := sectors.Current(EngineNew); index != test.current {
					t.Errorf("%v: current copy %d", gen, index+1)
				}
			}
		})
	}
	if _, err := ParseRaw(tests[0].raw[1:], R6); err == nil {
		t.Error("a short backup is accepted")
	}
	if _, err := ParseRaw(tests[0].raw, 2); err == nil {
		t.Error("an unknown generation is accepted")
	}
}

// The copy that is not current still tells what the board had before.
func TestOtherCopy(t *testing.T) {
	blank := Sector{secret.Of(bytes.Repeat([]byte{0xFF}, SectorSize))}
	versioned := func(sequence, marker byte) Sector { return Sector{secret.Of(versionedSector(sequence, marker))} }
	legacy := Sector{secret.Of(legacySector())}
	marked := bytes.Clone(legacySector())
	marked[AreaStart], marked[headerCurrent] = 0x77, 0
	for _, test := range []struct {
		name    string
		sectors Sectors
		engine  Engine
		marker  byte
		ok      bool
	}{
		{"new engine", Sectors{versioned(5, 1), versioned(4, 2)}, EngineNew, 2, true},
		{"new engine, second current", Sectors{versioned(3, 1), versioned(4, 2)}, EngineNew, 1, true},
		{"old engine, other erased", Sectors{legacy, blank}, EngineOld, 0, false},
		{"old engine, other left", Sectors{{secret.Of(marked)}, legacy}, EngineOld, 0x77, true},
		{"engine guessed", Sectors{versioned(5, 1), versioned(4, 2)}, EngineUnknown, 2, true},
		{"no current copy", Sectors{blank, blank}, EngineNew, 0, false},
		{"one sector", Sectors{versioned(5, 1)}, EngineNew, 0, false},
	} {
		area, ok := test.sectors.Other(test.engine)
		if ok != test.ok || ok && area.Reveal()[0] != test.marker {
			t.Errorf("%s: %v", test.name, ok)
		}
		diagnosis, ok := test.sectors.DiagnoseOther(test.engine)
		if ok != test.ok || ok && (diagnosis.Size != AreaSize || diagnosis.PrivateKey.State != PrivateKeyErased) {
			t.Errorf("%s: diagnosis %+v", test.name, diagnosis)
		}
	}
}
