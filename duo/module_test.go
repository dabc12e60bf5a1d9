package duo

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"testing"
)

// image returns a module with the header at a position and a right CRC.
func image(at int, start, size uint32, version uint16, function, index uint8) []byte {
	b := make([]byte, size, size+4)
	if at > 0 {
		binary.LittleEndian.PutUint32(b, 0x20020000)
	}
	h := b[at:]
	binary.LittleEndian.PutUint32(h, start)
	binary.LittleEndian.PutUint32(h[4:], start+size)
	binary.LittleEndian.PutUint16(h[10:], version)
	binary.LittleEndian.PutUint16(h[12:], PlatformID)
	h[14], h[15] = function, index
	copy(h[16:], []byte{FunctionSystemPart, 1, byte(version), 0})
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func TestParseModuleInfo(t *testing.T) {
	tests := []struct {
		name  string
		image []byte
		want  ModuleInfo
	}{
		{"part 2", image(ModuleInfoOffset, AddrPart2, 1024, 11, FunctionSystemPart, 2), ModuleInfo{
			Start: AddrPart2, End: AddrPart2 + 1024, Version: 11, Platform: 88,
			Function: FunctionSystemPart, Index: 2, Dependency: Dependency{FunctionSystemPart, 1, 11},
		}},
		{"user part", image(0, AddrUser, 512, 3, FunctionUserPart, 1), ModuleInfo{
			Start: AddrUser, End: AddrUser + 512, Version: 3, Platform: 88,
			Function: FunctionUserPart, Index: 1, Dependency: Dependency{FunctionSystemPart, 1, 3},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			info, err := ParseModuleInfo(test.image)
			if err != nil || info != test.want {
				t.Fatalf("%+v, %v, want %+v", info, err, test.want)
			}
			if err := info.CheckCRC(append(test.image, 0xFF, 0xFF)); err != nil {
				t.Error(err)
			}
			if err := info.CheckCRC(test.image[:len(test.image)-1]); !errors.Is(err, ErrModuleCRC) {
				t.Errorf("cut short: %v", err)
			}
			test.image[len(test.image)-20] ^= 1
			if err := info.CheckCRC(test.image); !errors.Is(err, ErrModuleCRC) {
				t.Errorf("one bit wrong: %v", err)
			}
		})
	}
}

// The header of the shipped duo-bootloader-r6.bin, at 0x184 of the image.
func TestParseModuleHeader(t *testing.T) {
	header, _ := hex.DecodeString("00000008944300080000060058000200" + "0000000000000000")
	info, err := ParseModuleHeader(header)
	want := ModuleInfo{Start: 0x08000000, End: 0x08004394, Version: 6, Platform: 88, Function: FunctionBootloader}
	if err != nil || info != want || info.Len() != 17300 {
		t.Fatalf("%+v, %v", info, err)
	}
}

func TestParseModuleInfoRefuses(t *testing.T) {
	good := image(0, AddrUser, 512, 3, FunctionUserPart, 1)
	elsewhere := append([]byte(nil), good...)
	elsewhere[3], elsewhere[7], elsewhere[12] = 0x20, 0x20, 6
	functionless := append([]byte(nil), good...)
	functionless[14] = 0
	backwards := append([]byte(nil), good...)
	copy(backwards[4:], []byte{0, 0, 0, 0})
	vectors := append([]byte{0, 0, 2, 0x20}, make([]byte, 100)...)
	for name, image := range map[string][]byte{
		"nothing": nil, "short": good[:23], "outside of flash": elsewhere, "no function": functionless, "zeros": make([]byte, 600), "end before start": backwards, "vectors only": vectors,
	} {
		if _, err := ParseModuleInfo(image); !errors.Is(err, ErrModule) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
