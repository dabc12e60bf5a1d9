package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"strings"
	"testing"
)

// firmwareImage returns a sound system part 2 of version 11.
func firmwareImage(size int) []byte {
	b := make([]byte, size)
	copy(b, "\x00\x00\x02\x20")
	header := b[0x184:]
	binary.LittleEndian.PutUint32(header, 0x08040000)
	binary.LittleEndian.PutUint32(header[4:], 0x08040000+uint32(size))
	copy(header[10:], "\x0b\x00\x58\x00\x04\x02\x04\x01\x0b\x00\x02\x00\x00\x00")
	sum := sha256.Sum256(b[:size-34])
	copy(b[size-34:], sum[:])
	b[size-2] = 40
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func TestFirmwareInspect(t *testing.T) {
	foreign := firmwareImage(1000)
	foreign[0x184+12] = 6
	damaged := firmwareImage(1000)
	damaged[600] ^= 1
	bootloader := firmwareImage(1000)
	bootloader[0x184+14] = 2
	for name, test := range map[string]struct {
		image   []byte
		want    string
		refusal string
	}{
		"sound": {firmwareImage(1000), `"crc_ok":true,"sha_ok":true,"target":134479872,"refusal":null}`, ""},
		// 600 is inside of what both checksums cover.
		"damaged":    {damaged, `"crc_ok":false,"sha_ok":false,"target":134479872,"refusal":"its CRC is wrong"}`, "CRC"},
		"cut short":  {firmwareImage(1000)[:900], `"crc_ok":false,"sha_ok":false,"target":134479872,"refusal":"it is cut short: 900 bytes of 1004"}`, "cut short"},
		"a Photon's": {foreign, `"target":134479872,"refusal":"it is for platform 6, a Duo is 88"}`, "platform 6"},
		"bootloader": {bootloader, `"target":null,"refusal":"a bootloader cannot`, "bootloader"},
	} {
		t.Run(name, func(t *testing.T) {
			file := saved(t, test.image)
			code, stdout, stderr := offline(t, "firmware", "inspect", file, "--json")
			var members map[string]json.RawMessage
			if err := json.Unmarshal([]byte(stdout), &members); err != nil || code != exitPass || len(members) != 11 {
				t.Fatalf("exit code %d, %v, %s%s", code, err, stdout, stderr)
			}
			compact := strings.NewReplacer("\n", "", `": `, `":`, "  ", "").Replace(stdout)
			if !strings.Contains(compact, test.want) {
				t.Errorf("%s, want %s", compact, test.want)
			}
			if name != "bootloader" && !strings.HasPrefix(compact, `{"start":134479872,"end":134480872,"version":11,"platform":`) {
				t.Errorf("%s", compact)
			}
			if !strings.Contains(compact, `"dependencies":[{"function":4,"index":1,"version":11},{"function":2,"index":0,"version":0}]`) {
				t.Errorf("%s", compact)
			}
			code, stdout, _ = offline(t, "firmware", "inspect", file)
			if code != exitPass || !strings.Contains(stdout, test.refusal) || strings.Contains(stdout, "refused") != (test.refusal != "") {
				t.Errorf("exit code %d, %s", code, stdout)
			}
		})
	}
}
