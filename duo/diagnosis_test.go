package duo

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"duogateway/secret"
)

func TestDiagnoseFields(t *testing.T) {
	key, other := newKey(t), newKey(t)
	good := areaDump(key)
	with := func(offset int, data []byte) []byte {
		area := bytes.Clone(good)
		copy(area[offset:], data)
		return area
	}
	misread := misreadKey(t)
	misreadArea := with(PrivateKeyOffset, misread.Minimal().Reveal())
	copy(misreadArea[PublicKeyOffset:], misread.SPKI())
	sound := func(form KeyForm, key *PrivateKey) PrivateKeyReport {
		return PrivateKeyReport{PrivateKeyValid, form, key.Fingerprint()}
	}
	erased, zeroed := PrivateKeyReport{State: PrivateKeyErased}, PrivateKeyReport{State: PrivateKeyZeroed}
	corrupt := PrivateKeyReport{State: PrivateKeyCorrupt}
	unreachable := PrivateKeyReport{State: PrivateKeyUnreachable}
	tests := []struct {
		name    string
		area    []byte
		private PrivateKeyReport
		public  PublicKeyState
		server  ServerKeyState
		address AddressState
	}{
		{"good", good, sound(FormFixed, key), PublicKeyOK, ServerKeyParticle, AddressDomain},
		{"another private key", with(34, other.Fixed().Reveal()), sound(FormFixed, other), PublicKeyStale, ServerKeyParticle, AddressDomain},
		{"public key erased", with(1250, bytes.Repeat([]byte{0xFF}, 384)), sound(FormFixed, key), PublicKeyNeverDerived, ServerKeyParticle, AddressDomain},
		{"public key with something behind it", with(1633, []byte{1}), sound(FormFixed, key), PublicKeyStale, ServerKeyParticle, AddressDomain},
		{"misread", misreadArea, PrivateKeyReport{PrivateKeyUnreadable, FormMinimal, misread.Fingerprint()}, PublicKeyOK, ServerKeyParticle, AddressDomain},
		{"reset", with(34, ResetBlob()), erased, PublicKeyStale, ServerKeyParticle, AddressDomain},
		{"first byte erased", with(34, []byte{0xFF}), erased, PublicKeyStale, ServerKeyParticle, AddressDomain},
		{"zeroed", with(34, make([]byte, 612)), zeroed, PublicKeyStale, ServerKeyParticle, AddressDomain},
		{"first half of the key zeroed", with(34, make([]byte, 300)), corrupt, PublicKeyStale, ServerKeyParticle, AddressDomain},
		{"one bit of the key", with(300, []byte{good[300] ^ 1}), corrupt, PublicKeyStale, ServerKeyParticle, AddressDomain},
		{"server key erased", with(2082, []byte{0xFF}), sound(FormFixed, key), PublicKeyOK, ServerKeyErased, AddressDomain},
		{"address erased", with(2466, []byte{0xFF}), sound(FormFixed, key), PublicKeyOK, ServerKeyParticle, AddressErased},
		{"blank", bytes.Repeat([]byte{0xFF}, AreaSize), erased, PublicKeyNeverDerived, ServerKeyErased, AddressErased},
		{"nothing but zeros", make([]byte, AreaSize), unreachable, "", "", ""},
		{"private key only", good[:646], sound(FormFixed, key), "", "", ""},
		{"to the server key", good[:2376], sound(FormFixed, key), PublicKeyOK, ServerKeyParticle, ""},
		{"to the address", good[:2594], sound(FormFixed, key), PublicKeyOK, ServerKeyParticle, AddressDomain},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dump, err := ParseDump(test.area, StartBySize)
			if err != nil {
				t.Fatal(err)
			}
			d := dump.Diagnose(EngineUnknown)
			if d.PrivateKey != test.private {
				t.Errorf("private key %+v, want %+v", d.PrivateKey, test.private)
			}
			if d.PublicKey.State != test.public || d.ServerKey.State != test.server || d.ServerAddress.State != test.address {
				t.Errorf("%v, %v, %v, want %v, %v, %v", d.PublicKey.State, d.ServerKey.State, d.ServerAddress.State,
					test.public, test.server, test.address)
			}
		})
	}
}

// A zeroed key in raw sectors is a zeroed key: only alternate setting 1 can
// hide the DCT behind zeros.
func TestZeroedInSectors(t *testing.T) {
	raw := legacySector()
	clear(raw[AreaStart:])
	d := DiagnoseSectors(Sectors{{secret.Of(raw)}}, EngineUnknown, len(raw))
	if d.PrivateKey.State != PrivateKeyZeroed || d.Current != 1 {
		t.Errorf("private key %v, current copy %d", d.PrivateKey.State, d.Current)
	}
}

// Every member is there, and what the dump does not tell is null.
func TestDiagnosisJSON(t *testing.T) {
	key := newKey(t)
	yes, seven := true, uint8(7)
	full := DiagnoseArea(Area{Bytes: secret.Of(areaDump(key))}, EngineNew)
	full.Current = 2
	full.Sectors = []SectorReport{{ClassVersioned, &seven, &yes}, {Class: ClassInvalid}}
	tests := []struct {
		name      string
		diagnosis Diagnosis
		want      string
	}{
		{"all absent", Diagnosis{Engine: EngineUnknown}, `{"size":0,"engine":"unknown","current":null,"sectors":[],
			"device_id":null,"private_key":{"state":null,"form":null,"fingerprint":null},"public_key":{"state":null},
			"server_key":{"state":null,"fingerprint":null},"server_address":{"state":null,"host":null,"port":null}}`},
		{"all there", full, `{"size":8820,"engine":"new","current":2,"sectors":[
			{"class":"versioned","sequence":7,"crc_ok":true},{"class":"invalid","sequence":null,"crc_ok":null}],
			"device_id":"30001a000547333832363134",
			"private_key":{"state":"valid","form":"fixed","fingerprint":"` + key.Fingerprint() + `"},
			"public_key":{"state":"ok"},
			"server_key":{"state":"particle","fingerprint":"aa8aba3c973ed4b668999047a09597948f36eefde525352e705fe8ef98c1677e"},
			"server_address":{"state":"domain","host":"device.spark.io","port":5683}}`},
	}
	for _, test := range tests {
		got, err := json.Marshal(test.diagnosis)
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(test.want)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, want.Bytes())
		}
	}
}

func TestParseDump(t *testing.T) {
	alt1 := func(size int) []byte { return bytes.Repeat([]byte{0x55}, size) }
	sector := legacySector()
	tests := []struct {
		name    string
		file    []byte
		start   int
		sectors int
		begin   int
		problem string
	}{
		{"two sectors", make([]byte, 32768), StartBySize, 2, 0, ""},
		{"three sectors", append(sector, make([]byte, 32768)...), StartBySize, 2, 0, ""},
		{"one sector", sector, StartBySize, 1, 0, ""},
		{"one sector, start given", sector, 34, 1, 0, ""},
		{"16384 without a header", alt1(16384), StartBySize, 0, 0, ""},
		{"16350", alt1(16350), StartBySize, 0, 34, ""},
		{"16350 from 0", alt1(16350), 0, 0, 0, ""},
		{"16350 from 35", alt1(16350), 35, 0, 0, "do not fit"},
		{"8820", alt1(8820), StartBySize, 0, 0, ""},
		{"a key alone", alt1(612), 34, 0, 34, ""},
		{"server key and address", alt1(512), 2082, 0, 2082, ""},
		{"shortest from 0", alt1(646), StartBySize, 0, 0, ""},
		{"too short", alt1(645), StartBySize, 0, 0, "no whole field"},
		{"a key alone, start forgotten", alt1(612), StartBySize, 0, 0, "no whole field"},
		{"behind all fields", alt1(5000), 4000, 0, 0, "no whole field"},
		{"far behind", alt1(1), 16384, 0, 0, "do not fit"},
		{"before the beginning", alt1(1000), -2, 0, 0, "do not fit"},
		{"empty", nil, StartBySize, 0, 0, "empty"},
		{"sector cut short", sector[:16383], StartBySize, 0, 0, "cut short"},
		{"two sectors cut short", make([]byte, 32767), StartBySize, 0, 0, "32767 bytes"},
		{"more than a sector", alt1(16385), StartBySize, 0, 0, "16385 bytes"},
		{"too long", make([]byte, 49153), StartBySize, 0, 0, "49153 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dump, err := ParseDump(test.file, test.start)
			if test.problem != "" {
				if !errors.Is(err, ErrDump) || !strings.Contains(err.Error(), test.problem) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v, want one line with %q", err, test.problem)
				}
				return
			}
			if err != nil || len(dump.Sectors) != test.sectors || dump.Area.Start != test.begin || dump.Size != len(test.file) {
				t.Errorf("%v: %d sectors, begins at %d", err, len(dump.Sectors), dump.Area.Start)
			}
		})
	}
}
