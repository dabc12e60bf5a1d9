package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"duogateway/duo"
)

// expectNoSecret looks for a secret in the forms that an output could have.
func expectNoSecret(t *testing.T, what, output string, secret []byte) {
	t.Helper()
	for _, leak := range []string{
		string(secret[:12]), hex.EncodeToString(secret[:8]), strings.ToUpper(hex.EncodeToString(secret[:8])),
		base64.StdEncoding.EncodeToString(secret[:12]),
	} {
		if strings.Contains(output, leak) {
			t.Errorf("%s shows %q", what, leak)
		}
	}
}

// boardWith returns two sectors of which the first holds a board in use.
func boardWith(t *testing.T, key *duo.PrivateKey) []byte {
	t.Helper()
	board := area(t, key.Fixed().Reveal())
	copy(board, []byte{0xC0, 0xAC, 0xDE, 0x1A})
	copy(board[duo.PublicKeyOffset:], key.SPKI())
	copy(board[1758:], "DE\x00\x00")
	copy(board[1762:], strings.Repeat("claim-secret-", 5)[:63])
	copy(board[1825:], "1")
	copy(board[1826:], "\x03Duo")
	copy(board[1858:], "0.3.3\x00")
	copy(board[2852:], "\xac\x0f\x01\x00\x00\x00\x14\x00\x00\x00\x0c\x08\x00\x00\x02\x00")
	copy(board[duo.DeviceIDOffset:], "\x30\x00\x1a\x00\x05\x47\x33\x38\x32\x36\x31\x34")
	copy(board[3823:], "enterprise-secret")
	copy(board[4258:], "enterprise-secret")
	copy(board[8391:], "\x34\x12")
	dump := sectors(board)
	copy(dump[duo.WiFiConfigOffset:], "wifi-password-1234")
	return dump
}

func TestDCTFields(t *testing.T) {
	key := newKey(t)
	dump := saved(t, boardWith(t, key))
	code, stdout, stderr := offline(t, "dct", "fields", "--json", dump)
	var report fieldsReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != exitPass {
		t.Fatalf("exit code %d, %v, %s", code, err, stderr)
	}
	values := map[string]string{}
	for _, f := range append(report.Sections, report.Fields...) {
		values[f.Name] = *f.Value
	}
	for name, want := range map[string]string{
		"header": "complete yes, current yes", "version_block": "erased", "wifi_config": "set (secret, not shown)",
		"system_flags": "set", "device_private_key": "valid, fixed form, " + key.Fingerprint(),
		"device_public_key": key.Fingerprint(), "country_code": `"DE"`, "claim_code": "set (secret, not shown)",
		"claimed": "yes", "ssid_prefix": `"Duo"`, "version_string": `"0.3.3"`, "ip_config": "erased",
		"server_public_key": "Particle's, aa8aba3c973ed4b668999047a09597948f36eefde525352e705fe8ef98c1677e",
		"server_address":    "device.spark.io, port 5683", "device_id": "30001a000547333832363134",
		"flash_modules": "slot 0: factory image, serial 0x140000 to internal 0x80c0000, 131072 bytes",
		"eap_config":    "set (secret, not shown)", "extra_system_flags": "marked as Particle firmware",
	} {
		if values[name] != want {
			t.Errorf("%s: %q, want %q", name, values[name], want)
		}
	}
	if report.Copy != 1 || report.Fields[2].Offset != 34 || report.Fields[2].Size != 1216 || !report.Fields[2].Secret {
		t.Errorf("copy %d, %+v", report.Copy, report.Fields[2])
	}
	code, stdout, _ = offline(t, "dct", "fields", dump)
	if code != exitPass || !strings.Contains(stdout, "SECTION OF COPY 1") || !strings.Contains(stdout, "device_id") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
}

// P4: nothing secret is shown, not even with the fields of another system,
// where a secret lies in a field that holds none.
func TestDCTFieldsNeverShowSecrets(t *testing.T) {
	dump := boardWith(t, newKey(t))
	changed := bytes.Clone(dump)
	for i := range changed[400:] {
		changed[400+i] ^= 1
	}
	a, b := saved(t, dump), saved(t, changed)
	for _, system := range []string{"0.1.1", "0.2.4", "0.3.0", "0.3.3"} {
		for _, args := range [][]string{
			{"dct", "fields", a}, {"dct", "fields", "--json", a}, {"dct", "diff", a, b}, {"dct", "diff", "--json", b, a},
		} {
			code, stdout, stderr := offline(t, append(args, "--system", system)...)
			if code != exitPass {
				t.Fatalf("%v: exit code %d, %s", args, code, stderr)
			}
			for _, secret := range []string{"claim-secret-", "enterprise-secret", "wifi-password-1234"} {
				expectNoSecret(t, strings.Join(args[:2], " "), stdout, []byte(secret))
			}
			expectNoSecret(t, strings.Join(args[:2], " "), stdout, dump[duo.AreaStart+34+279:])
		}
	}
}

func TestDCTFieldsOfACopy(t *testing.T) {
	dump := boardWith(t, newKey(t))
	copy(dump[duo.SectorSize:], dump[:duo.SectorSize])
	dump[duo.SectorSize+9] = 0
	copy(dump[duo.SectorSize+duo.AreaStart+1858:], "0.3.2\x00")
	for which, want := range map[string]string{"current": "0.3.3", "1": "0.3.3", "2": "0.3.2"} {
		code, stdout, stderr := offline(t, "dct", "fields", "--copy", which, saved(t, dump), "--engine", "old")
		if code != exitPass || !strings.Contains(stdout, want) {
			t.Errorf("copy %s: exit code %d, %s", which, code, stderr)
		}
	}
	for name, args := range map[string][]string{
		"no second sector":    {"--copy", "2", saved(t, dump[:duo.SectorSize])},
		"alternate setting 1": {"--copy", "1", saved(t, dump[duo.AreaStart:duo.SectorSize])},
		"no current copy":     {saved(t, make([]byte, 2*duo.SectorSize))},
	} {
		if code, _, stderr := offline(t, append([]string{"dct", "fields"}, args...)...); code != exitInternal || !strings.Contains(stderr, "copy") {
			t.Errorf("%s: exit code %d, %s", name, code, stderr)
		}
	}
}

func TestDCTDiff(t *testing.T) {
	key, other := newKey(t), newKey(t)
	a, b := boardWith(t, key), boardWith(t, key)
	copy(b[duo.AreaStart+34:], other.Fixed().Reveal())
	copy(b[duo.AreaStart+1762:], "another-claim")
	copy(b[duo.WiFiConfigOffset:], "another-wifi")
	copy(b[duo.AreaStart+1858:], "0.3.2\x00")
	code, stdout, stderr := offline(t, "dct", "diff", "--json", saved(t, a), saved(t, b))
	var report diffReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != exitPass || report.Same {
		t.Fatalf("exit code %d, %v, %s%s", code, err, stdout, stderr)
	}
	const hidden = "set (secret, not shown)"
	want := []fieldDifference{
		{"wifi_config", true, 0x1A30, 844, hidden, hidden},
		{"device_private_key", false, 34, 1216, "valid, fixed form, " + key.Fingerprint(), "valid, fixed form, " + other.Fingerprint()},
		{"claim_code", false, 1762, 63, hidden, hidden},
		{"version_string", false, 1858, 32, `"0.3.3"`, `"0.3.2"`},
	}
	if len(report.Differences) != len(want) {
		t.Fatalf("%s", stdout)
	}
	for i, d := range report.Differences {
		if d != want[i] {
			t.Errorf("%+v, want %+v", d, want[i])
		}
	}
	_, stdout, _ = offline(t, "dct", "diff", saved(t, a), saved(t, b))
	if !strings.Contains(stdout, "claim_code") || !strings.Contains(stdout, "differs") || !strings.Contains(stdout, other.Fingerprint()) {
		t.Errorf("%s", stdout)
	}
	if _, stdout, _ = offline(t, "dct", "diff", saved(t, a), saved(t, a)); stdout != "no field differs\n" {
		t.Errorf("%q", stdout)
	}
	_, stdout, _ = offline(t, "dct", "diff", saved(t, a), saved(t, a[duo.AreaStart:duo.AreaStart+2000]))
	if !strings.Contains(stdout, "no field differs\nnot in both dumps: header,") || !strings.Contains(stdout, "server_public_key") {
		t.Errorf("%q", stdout)
	}
}

// Whatever bytes a field holds, it is described in one line.
func FuzzDescribeField(f *testing.F) {
	f.Add([]byte{0xFF}, uint16(11))
	f.Add([]byte("\xac\x0f\x01\x00"), uint16(7))
	f.Add([]byte("\x01\x0fdevice.spark.io\x00"), uint16(0))
	f.Fuzz(func(t *testing.T, bytesOf []byte, part2 uint16) {
		for _, field := range append(duo.Fields(part2), duo.Sections()...) {
			content := make([]byte, field.Size)
			copy(content, bytesOf)
			if value := describeField(field, content); value == "" || strings.ContainsAny(value, "\n\r\t\x1b") {
				t.Fatalf("%s: %q", field.Name, value)
			}
		}
	})
}
