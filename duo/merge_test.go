package duo

import (
	"bytes"
	"errors"
	"testing"

	"duogateway/secret"
)

const (
	boardID   DeviceID = "30001a000547333832363134"
	foreignID DeviceID = "ffeeddccbbaa998877665544"
)

// livedIn returns a board's sector in which every byte differs from the
// factory's, with a whole key block and the id of areaDump.
func livedIn(t testing.TB, key *PrivateKey) Sector {
	t.Helper()
	raw := bytes.Clone(FactorySector().Reveal())
	for i := range raw {
		raw[i] ^= 0xA5
	}
	copy(raw, legacySector()[:headerSize])
	copy(raw[AreaStart+PrivateKeyOffset:], areaDump(key)[PrivateKeyOffset:PublicKeyOffset+PublicKeyReserved])
	copy(raw[AreaStart+DeviceIDOffset:], areaDump(key)[DeviceIDOffset:][:DeviceIDLen])
	return Sector{secret.Of(raw)}
}

// What makes the board itself is taken over, and nothing else is.
func TestMergeDCT(t *testing.T) {
	donor, factory := livedIn(t, newKey(t)), FactorySector()
	const all = "keys wifi claim modules id"
	for _, test := range []struct {
		name  string
		carry Carry
		want  string
	}{
		{"everything", Carry{Board: boardID}, all + " eap"},
		{"board not known", Carry{}, "keys wifi claim modules eap"},
		{"old system", Carry{Board: boardID, System: 8}, all},
		{"without keys", Carry{Board: boardID, DropKeys: true}, "wifi claim modules id eap"},
		{"without Wi-Fi", Carry{Board: boardID, DropWiFi: true}, "keys claim modules id"},
		{"without claim", Carry{Board: boardID, DropClaim: true}, "keys wifi modules id eap"},
		{"without modules", Carry{Board: boardID, DropFlashModules: true}, "keys wifi claim id eap"},
		{"nothing but the id", Carry{Board: boardID, DropKeys: true, DropWiFi: true, DropClaim: true, DropFlashModules: true}, "id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			merged, err := MergeDCT(factory, donor, test.carry)
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Clone(factory.Reveal())
			take := func(word string, from, size int) {
				if bytes.Contains([]byte(" "+test.want+" "), []byte(" "+word+" ")) {
					copy(want[from:from+size], donor.Reveal()[from:])
				}
			}
			take("keys", AreaStart+34, 1216+384)
			take("keys", AreaStart+2978, 128+192)
			take("claim", AreaStart+1762, 64)
			take("modules", AreaStart+2852, 100)
			take("wifi", 0x1A30, 844)
			take("wifi", AreaStart+1758, 4)
			take("eap", AreaStart+3823, 4296)
			take("id", AreaStart+3618, 12)
			if !bytes.Equal(merged.Reveal(), want) {
				for i := range want {
					if merged.Reveal()[i] != want[i] {
						t.Fatalf("differs at %d of the sector, %d of the area", i, i-AreaStart)
					}
				}
			}
		})
	}
}

// A device id never comes from another board, neither by the donor nor by the
// image that is written.
func TestMergeNeverTakesAForeignID(t *testing.T) {
	donor := livedIn(t, newKey(t))
	if _, err := MergeDCT(FactorySector(), donor, Carry{Board: foreignID}); !errors.Is(err, ErrOtherBoard) {
		t.Errorf("a dump of another board: %v", err)
	}
	foreignBase, err := FactorySector().WithArea(DeviceIDOffset, bytes.Repeat([]byte{0x42}, DeviceIDLen))
	if err != nil {
		t.Fatal(err)
	}
	nameless, err := donor.WithArea(DeviceIDOffset, bytes.Repeat([]byte{0xFF}, DeviceIDLen))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		donor Sector
		board DeviceID
		want  DeviceID
	}{
		"named, its own":      {donor, boardID, boardID},
		"named, not known":    {donor, "", ""},
		"nameless, known":     {nameless, boardID, ""},
		"nameless, nor known": {nameless, "", ""},
	} {
		merged, err := MergeDCT(foreignBase, test.donor, Carry{Board: test.board})
		if err != nil {
			t.Fatal(err)
		}
		if id, _ := merged.Area().DeviceID(); id != test.want {
			t.Errorf("%s: the id is %q", name, id)
		}
	}
	for _, pair := range [][2]Sector{{{}, donor}, {donor, {}}} {
		if _, err := MergeDCT(pair[0], pair[1], Carry{}); !errors.Is(err, ErrCompose) {
			t.Error(err)
		}
	}
}

// A merged and composed sector is a sound copy with the key of the board.
func TestMergedSectorIsSound(t *testing.T) {
	key := newKey(t)
	merged, err := MergeDCT(FactorySector(), livedIn(t, key), Carry{Board: boardID})
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []Engine{EngineOld, EngineNew} {
		sector, err := ComposeSector(engine, merged, 7)
		if err != nil {
			t.Fatal(err)
		}
		d := DiagnoseSectors(Sectors{sector}, engine, SectorSize)
		if d.Current != 1 || d.PrivateKey.Fingerprint != key.Fingerprint() || d.PublicKey.State != PublicKeyOK ||
			d.ServerKey.State != ServerKeyParticle || d.DeviceID != boardID {
			t.Errorf("%v: %+v", engine, d)
		}
	}
}

// FuzzMergeDCT: whatever the donor holds, the server of the factory stays, no
// foreign id comes in, and the result composes to a copy that both engines take.
func FuzzMergeDCT(f *testing.F) {
	f.Add(livedIn(f, newKey(f)).Reveal(), string(boardID), uint16(11), false)
	f.Add(legacySector(), "", uint16(7), true)
	f.Add(make([]byte, SectorSize), string(foreignID), uint16(0), false)
	f.Fuzz(func(t *testing.T, raw []byte, board string, system uint16, drop bool) {
		carry := Carry{Board: DeviceID(board), System: system, DropKeys: drop, DropWiFi: !drop}
		donor := bytes.Repeat([]byte{0xFF}, SectorSize)
		copy(donor, raw)
		merged, err := MergeDCT(FactorySector(), Sector{secret.Of(donor)}, carry)
		if err != nil {
			if !errors.Is(err, ErrOtherBoard) {
				t.Fatal(err)
			}
			return
		}
		if id, ok := merged.Area().DeviceID(); ok && string(id) != board {
			t.Fatalf("a foreign id %s", id)
		}
		for _, engine := range []Engine{EngineOld, EngineNew} {
			sector, err := ComposeSector(engine, merged, 1)
			if err != nil {
				t.Fatal(err)
			}
			d := DiagnoseSectors(Sectors{sector}, engine, SectorSize)
			if d.Current != 1 || d.ServerKey.State != ServerKeyParticle || d.ServerAddress.State != AddressDomain {
				t.Fatalf("%+v", d)
			}
			if drop && d.PrivateKey.State != PrivateKeyErased {
				t.Fatalf("a dropped key is %s", d.PrivateKey.State)
			}
		}
	})
}

func TestKeysFromDump(t *testing.T) {
	key := newKey(t)
	area := areaDump(key)
	backup := append(bytes.Clone(area[PrivateKeyOffset:]), bytes.Repeat([]byte{0xFF}, docsDump-AreaSize+PrivateKeyOffset)...)
	sector := legacySector()
	copy(sector[AreaStart:], area)
	for name, test := range map[string]struct {
		file   []byte
		public bool
	}{
		"the 16350 bytes":    {backup, true},
		"whole area":         {bytes.Clone(area), true},
		"one sector":         {sector, true},
		"cut behind the key": {bytes.Clone(area[:700]), false},
	} {
		dump, err := ParseDump(test.file, StartBySize)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := KeysFromDump(dump, EngineUnknown)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if report, _ := ClassifyPrivateKey(keys.Private.Reveal()); keys.Private.Len() != PrivateKeyStored || report.Fingerprint != key.Fingerprint() {
			t.Errorf("%s: %d bytes, %+v", name, keys.Private.Len(), report)
		}
		if test.public != bytes.Equal(keys.Public, area[PublicKeyOffset:PublicKeyOffset+PublicKeyReserved]) {
			t.Errorf("%s: public key %d bytes", name, len(keys.Public))
		}
	}
	for name, dump := range map[string]Dump{
		"unreachable":     {Area: Area{Bytes: secret.Of(make([]byte, docsDump)), Start: PrivateKeyOffset}},
		"no current copy": {Sectors: Sectors{{secret.Of(make([]byte, SectorSize))}}},
		"from the server": {Area: Area{Bytes: secret.Of(area[ServerKeyOffset:]), Start: ServerKeyOffset}},
		"nothing":         {},
	} {
		if _, err := KeysFromDump(dump, EngineUnknown); !errors.Is(err, ErrDump) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
