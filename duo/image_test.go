package duo

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// soundImage returns a module with suffix, SHA-256 and CRC, as the vendor's
// build makes them. change is made before the checksums.
func soundImage(m ModuleInfo, size int, change func(image []byte)) []byte {
	b := make([]byte, size)
	header := b
	if m.Function != FunctionUserPart {
		binary.LittleEndian.PutUint32(b, 0x20020000)
		header = b[ModuleInfoOffset:]
	}
	binary.LittleEndian.PutUint32(header, m.Start)
	binary.LittleEndian.PutUint32(header[4:], m.Start+uint32(size))
	binary.LittleEndian.PutUint16(header[10:], m.Version)
	binary.LittleEndian.PutUint16(header[12:], PlatformID)
	header[14], header[15] = m.Function, m.Index
	for i, d := range []Dependency{m.Dependency, m.Dependency2} {
		at := header[16+4*i:]
		at[0], at[1] = d.Function, d.Index
		binary.LittleEndian.PutUint16(at[2:], d.Version)
	}
	if change != nil {
		change(b)
	}
	suffix := b[size-40:]
	sum := sha256.Sum256(b[:size-34])
	copy(suffix[6:], sum[:])
	suffix[38], suffix[39] = 40, 0
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func part1Info(version uint16) ModuleInfo {
	return ModuleInfo{Start: AddrPart1, Version: version, Function: FunctionSystemPart, Index: 1}
}

func part2Info(version uint16) ModuleInfo {
	m := ModuleInfo{
		Start: AddrPart2, Version: version, Function: FunctionSystemPart, Index: 2,
		Dependency: Dependency{FunctionSystemPart, 1, version},
	}
	if version >= Part2NewEngine {
		m.Dependency2 = Dependency{FunctionBootloader, 0, 0}
	}
	return m
}

func userInfo(needs uint16) ModuleInfo {
	return ModuleInfo{
		Start: AddrUser, Version: 3, Function: FunctionUserPart, Index: 1,
		Dependency: Dependency{FunctionSystemPart, 2, needs},
	}
}

// inspected returns the Module of a sound image.
func inspected(t *testing.T, info ModuleInfo, size int) Module {
	t.Helper()
	m, err := InspectModule(soundImage(info, size, nil))
	if err != nil || m.Refusal != "" {
		t.Fatalf("%v, refused: %s", err, m.Refusal)
	}
	return m
}

func TestInspectSoundModules(t *testing.T) {
	for _, test := range []struct {
		info    ModuleInfo
		address uint32
		needs   []Dependency
		name    string
	}{
		{part1Info(11), 0x08020000, []Dependency{}, "system part 1"},
		{part2Info(11), 0x08040000, []Dependency{{4, 1, 11}, {2, 0, 0}}, "system part 2"},
		{part2Info(7), 0x08040000, []Dependency{{4, 1, 7}}, "system part 2"},
		{userInfo(11), 0x080C0000, []Dependency{{4, 2, 11}}, "user part"},
	} {
		m := inspected(t, test.info, 2000)
		if !m.CRCOK || !m.SHAOK || m.Target == nil || m.Target.Address != test.address || m.Target.Alt != AltInternal ||
			m.Size != 2004 || m.Name() != test.name || !slices.Equal(m.Dependencies(), test.needs) {
			t.Errorf("%s: %+v", test.name, m)
		}
	}
}

func TestInspectRefuses(t *testing.T) {
	sound := func() []byte { return soundImage(part2Info(11), 4000, nil) }
	changed := func(at int, value byte) []byte {
		return soundImage(part2Info(11), 4000, func(b []byte) { b[at] = value })
	}
	flipped := func(at int) []byte {
		b := sound()
		b[at] ^= 1
		return b
	}
	elsewhere := part2Info(11)
	elsewhere.Start = 0x08060000
	badSHA := sound()
	badSHA[len(badSHA)-20] ^= 1
	binary.BigEndian.PutUint32(badSHA[4000:], crc32.ChecksumIEEE(badSHA[:4000]))
	for name, test := range map[string]struct {
		image        []byte
		want         string
		crc, sha, at bool
	}{
		"a Photon's":       {changed(ModuleInfoOffset+12, 6), "platform 6", true, true, true},
		"bootloader":       {soundImage(ModuleInfo{Start: 0x08000000, Version: 6, Function: FunctionBootloader}, 2000, nil), "bootloader", true, true, false},
		"system part 3":    {changed(ModuleInfoOffset+15, 3), "no place", true, true, false},
		"monolithic":       {changed(ModuleInfoOffset+14, 3), "no place", true, true, false},
		"another address":  {soundImage(elsewhere, 2000, nil), "belongs at 0x08040000", true, true, true},
		"a byte short":     {sound()[:4003], "cut short: 4003 bytes of 4004", false, true, true},
		"header alone":     {sound()[:ModuleInfoOffset+ModuleInfoLen], "cut short", false, false, true},
		"two bytes more":   {append(sound(), 0, 0), "2 bytes too many", true, true, true},
		"too large":        {soundImage(part1Info(11), 128<<10, nil), "too large", true, true, true},
		"bit in the body":  {flipped(1500), "CRC", false, false, true},
		"bit in the CRC":   {flipped(4002), "CRC", false, true, true},
		"SHA-256 alone":    {badSHA, "SHA-256", true, false, true},
		"nothing but head": {soundImage(userInfo(11), 64, nil)[:30], "cut short", false, false, true},
	} {
		m, err := InspectModule(test.image)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(m.Refusal, test.want) || m.CRCOK != test.crc || m.SHAOK != test.sha || (m.Target != nil) != test.at {
			t.Errorf("%s: refusal %q, CRC %v, SHA %v, target %v", name, m.Refusal, m.CRCOK, m.SHAOK, m.Target)
		}
	}
	for name, image := range map[string][]byte{"nothing": nil, "text": []byte(strings.Repeat("no firmware at all ", 40)), "FF": ResetBlob()} {
		if _, err := InspectModule(image); !errors.Is(err, ErrModule) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is not refused is whole: one bit changed anywhere is refused.
func FuzzInspectModule(f *testing.F) {
	f.Add(soundImage(part1Info(11), 512, nil), 77)
	f.Add(soundImage(part2Info(10), 600, nil), 3000)
	f.Add(soundImage(userInfo(8), 64, nil), 0)
	f.Add([]byte{0, 0, 2, 0x20}, 0)
	f.Fuzz(func(t *testing.T, image []byte, at int) {
		m, err := InspectModule(image)
		if err != nil {
			if !errors.Is(err, ErrModule) {
				t.Fatal(err)
			}
			return
		}
		if m.Refusal != "" {
			return
		}
		if !m.CRCOK || !m.SHAOK || m.Target == nil || m.Size != len(image) || m.Size > m.Target.Size ||
			CheckWrite(R6, m.Target.Alt, m.Target.Address, m.Size) != nil {
			t.Fatalf("accepted %+v", m)
		}
		image[uint(at)%uint(len(image))] ^= 0x10
		if m, err := InspectModule(image); err == nil && m.Refusal == "" {
			t.Fatalf("a changed image is accepted: %+v", m)
		}
	})
}
