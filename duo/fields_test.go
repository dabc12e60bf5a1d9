package duo

import (
	"bytes"
	"testing"

	"duogateway/secret"
)

// The fields of every version follow each other without a gap, up to the end
// that the vendor's structure has (redbear/firmware dct.h asserts it there).
func TestFieldsHaveNoGaps(t *testing.T) {
	for _, test := range []struct {
		part2 uint16
		end   int
		extra int
	}{{0, 8423, 8391}, {1, 4290, 4258}, {6, 4290, 4258}, {7, 4290, 4258}, {8, 4290, 4258}, {9, 4290, 4258}, {10, 8423, 8391}, {11, 8423, 8391}, {VersionErased, 8423, 8391}} {
		at := 0
		for _, f := range Fields(test.part2) {
			if f.Offset != at || f.Size <= 0 {
				t.Errorf("version %d: %s at %d, the field before it ends at %d", test.part2, f.Name, f.Offset, at)
			}
			at = f.Offset + f.Size
			if f.Name == "extra_system_flags" && f.Offset != test.extra {
				t.Errorf("version %d: %s at %d", test.part2, f.Name, f.Offset)
			}
		}
		if at != test.end || at > AreaSize {
			t.Errorf("version %d ends at %d", test.part2, at)
		}
	}
}

// P4: what holds a private key or a Wi-Fi password is marked.
func TestSecretFields(t *testing.T) {
	want := map[string]bool{
		"device_private_key": true, "alt_device_private_key": true, "claim_code": true, "eap_config": true,
		"security": true, "wifi_config": true, "network_config": true,
	}
	for _, f := range append(Fields(11), Sections()...) {
		if f.Secret != want[f.Name] {
			t.Errorf("%s: secret %v", f.Name, f.Secret)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

func TestSectionsLieAroundTheArea(t *testing.T) {
	at := 0
	for _, f := range Sections() {
		if f.Offset < at || f.Offset+f.Size > SectorSize {
			t.Errorf("%s at %d", f.Name, f.Offset)
		}
		at = f.Offset + f.Size
		if f.Name == "wifi_config" && at != AreaStart {
			t.Errorf("the area begins at %d", at)
		}
	}
	if at != SectorSize {
		t.Errorf("the sections end at %d", at)
	}
}

func TestFieldIn(t *testing.T) {
	raw := make([]byte, SectorSize)
	for i := range raw {
		raw[i] = byte(i / 7)
	}
	sector := Sector{secret.Of(raw)}
	for _, f := range Fields(11) {
		got, ok := f.In(sector.Area())
		if !ok || !bytes.Equal(got, raw[AreaStart+f.Offset:AreaStart+f.Offset+f.Size]) {
			t.Errorf("%s", f.Name)
		}
		if _, ok := f.In(Area{Bytes: secret.Of(raw[:f.Offset+f.Size-1])}); ok {
			t.Errorf("%s is found in an area that ends before it", f.Name)
		}
	}
	for _, f := range Sections() {
		got, ok := f.InSector(sector)
		if !ok || !bytes.Equal(got, raw[f.Offset:f.Offset+f.Size]) {
			t.Errorf("%s", f.Name)
		}
		if _, ok := f.InSector(Sector{}); ok {
			t.Errorf("%s is found nowhere", f.Name)
		}
	}
}

func TestSystemVersions(t *testing.T) {
	for part2, want := range map[uint16]string{1: "0.1.1", 7: "0.2.4", 8: "0.3.0", 11: "0.3.3", 12: "version 12", VersionErased: "none"} {
		if got := SystemVersion(part2); got != want {
			t.Errorf("%d is %q", part2, got)
		}
		back, ok := ParseSystemVersion(want)
		if released := part2 <= 11; ok != released || ok && back != part2 {
			t.Errorf("%q is %d, %v", want, back, ok)
		}
	}
}
