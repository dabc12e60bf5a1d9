package duo

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"testing"
)

// Whatever a file holds, it is refused or diagnosed with every member there.
func FuzzDCT(f *testing.F) {
	area := bytes.Repeat([]byte{0xFF}, AreaSize)
	copy(area[PublicKeyOffset:], GenericPublicKey())
	copy(area[ServerKeyOffset:], ParticleServerKey())
	copy(area[ServerAddressOffset:], "\x01\x0fdevice.spark.io\x00")
	for _, file := range [][]byte{
		nil, area, area[34:], area[:700], make([]byte, 1000), legacySector(),
		append(legacySector(), versionedSector(3, 0)...), make([]byte, twoSectors), make([]byte, RawSize),
		append(make([]byte, SectorSize), append(versionedSector(255, 0), versionedSector(0, 0)...)...),
	} {
		f.Add(file, StartBySize)
	}
	f.Add(area[2082:2594], 2082)
	f.Fuzz(func(t *testing.T, file []byte, start int) {
		dump, err := ParseDump(file, start)
		if err != nil {
			return
		}
		for _, engine := range []Engine{EngineUnknown, EngineOld, EngineNew} {
			encoded, err := json.Marshal(dump.Diagnose(engine))
			if err != nil {
				t.Fatal(err)
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(encoded, &members); err != nil || len(members) != 9 {
				t.Fatalf("%v: %s", err, encoded)
			}
		}
		for _, gen := range []Generation{R3, R6} {
			if sectors, err := ParseRaw(file, gen); err == nil && len(sectors) != 2 {
				t.Fatalf("%d sectors", len(sectors))
			}
		}
	})
}

// What is read as a key is one: it survives both forms, and crypto/x509 agrees.
func FuzzReadPrivateKey(f *testing.F) {
	key := newKey(f)
	f.Add(key.Fixed().Reveal())
	f.Add(key.Minimal().Reveal())
	f.Add(ResetBlob())
	f.Add([]byte("\x30\x82\x02\x5f\x02\x01\x00\x02\x82\xff\xff"))
	f.Fuzz(func(t *testing.T, field []byte) {
		key, _, err := ReadPrivateKey(field)
		if err != nil {
			return
		}
		again, form, err := ReadPrivateKey(key.Fixed().Reveal())
		if err != nil || form != FormFixed || again.Fingerprint() != key.Fingerprint() {
			t.Fatalf("the fixed form: form %q, %v", form, err)
		}
		if !ReadableByFirmware(key.Fixed().Reveal(), key) {
			t.Fatal("a board misreads the fixed form")
		}
		if _, err := x509.ParsePKCS1PrivateKey(key.Minimal().Reveal()); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzImportPrivateKey(f *testing.F) {
	key := newKey(f)
	f.Add(key.Minimal().Reveal())
	f.Add([]byte(key.PublicPEM()))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n"))
	f.Add([]byte("\x30\x1c\x02\x01\x00\x30\x0d\x06\x09" + oidRSA + "\x05\x00\x04\x08\x30\x82\x02\x5f\x02\x01\x00\x02"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if key, err := ImportPrivateKey(file); (key == nil) == (err == nil) {
			t.Fatalf("key and error %v", err)
		}
	})
}

// What is read as an address and can be written reads back the same.
func FuzzServerAddress(f *testing.F) {
	f.Add(address("\x01\x0fdevice.spark.io\x00", "\xff\xff"))
	f.Add(address("\x00\x04\x0a\x00\x00\x07", "\x00\x50"))
	f.Fuzz(func(t *testing.T, field []byte) {
		read := ParseServerAddress(field)
		if read.Port == 0 || (read.Host == "") != (read.State == AddressErased || read.State == AddressInvalid) {
			t.Fatalf("%+v", read)
		}
		written, err := EncodeServerAddress(read.Host, read.Port)
		if err != nil {
			return
		}
		again := ParseServerAddress(written)
		if again.Host != read.Host || again.Port != read.Port {
			t.Fatalf("%+v, then %+v", read, again)
		}
	})
}

func FuzzModuleInfo(f *testing.F) {
	f.Add(image(ModuleInfoOffset, AddrPart2, 1024, 11, FunctionSystemPart, 2))
	f.Add(image(0, AddrUser, 64, 3, FunctionUserPart, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := ParseModuleInfo(b)
		if err != nil {
			return
		}
		if info.CheckCRC(b) == nil && info.Len()+4 > len(b) {
			t.Fatalf("%d bytes pass for %d", len(b), info.Len())
		}
	})
}
