package serial

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const soundID = "Your device id is 1a42f7ad164cf1e1f461b072"

// described is what firmware says of itself: with fields that nobody needs, and
// a place without a module.
const described = `{"p":88,"m":[{"s":32768,"l":"m","vc":30,"vv":30,"f":"b","n":"0","v":6,"d":[]},` +
	`{"s":131072,"l":"m","vc":30,"vv":28,"f":"s","n":"1","v":11,"d":[{"f":"b","n":"0","v":6,"_":""}]},` +
	`{"s":262144,"l":"m","vc":30,"vv":30,"u":"ABCDEF","f":"u","n":"1","v":4,"d":[]},` +
	`{"s":262144,"l":"f","vc":30,"vv":0,"d":[]}]}`

func TestParseDeviceID(t *testing.T) {
	for answer, want := range map[string]string{
		soundID:                          "1a42f7ad164cf1e1f461b072",
		strings.ToUpper(soundID):         "",
		soundID + "0":                    "",
		soundID + "\n":                   "",
		" " + soundID:                    "",
		"Your device id is ":             "",
		"Your device id is 00000000010C": "",
		"Your device id is ffffffffffffffffffffffff": "",
		"": "",
	} {
		id, err := ParseDeviceID(answer)
		check(t, answer, string(id), want, err)
	}
}

func TestParseMAC(t *testing.T) {
	for answer, want := range map[string]string{
		"Your device MAC address is\r\n6c:0b:84:aa:bb:0c":    "6c:0b:84:aa:bb:0c",
		"Your device MAC address is\n6c:0b:84:aa:bb:0c":      "",
		"Your device MAC address is\r\n6c:0b:84:aa:bb":       "",
		"Your device MAC address is\r\n6c:0b:84:aa:bb:0c:00": "",
		"Your device MAC address is\r\n6c-0b-84-aa-bb-0c":    "",
		"6c:0b:84:aa:bb:0c": "",
	} {
		mac, err := ParseMAC(answer)
		check(t, answer, mac.String(), want, err)
	}
}

func TestParseVersion(t *testing.T) {
	for answer, want := range map[string]string{
		"system firmware version: 0.3.3":                      "0.3.3",
		"system firmware version: 0.7.0-rc.1":                 "0.7.0-rc.1",
		"system firmware version: ":                           "",
		"system firmware version: 0.3.3 ":                     "",
		"system firmware version: \x1b[31m":                   "",
		"system firmware version: " + strings.Repeat("1", 33): "",
		"hello\r\nsystem firmware version: 0.3.3":             "",
	} {
		version, err := ParseVersion(answer)
		check(t, answer, version, want, err)
	}
}

func check(t *testing.T, answer, got, want string, err error) {
	t.Helper()
	if got != want || (err == nil) != (want != "") || (err != nil && !errors.Is(err, ErrMalformed)) {
		t.Errorf("%q: %q, %v, want %q", answer, got, err, want)
	}
}

func TestParseModules(t *testing.T) {
	found, err := ParseModules(described)
	want := []Module{
		{"b", 0, 6, "m", true}, {"s", 1, 11, "m", false}, {"u", 1, 4, "m", true}, {"", 0, 0, "f", false},
	}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("%+v, %v, want %+v", found, err, want)
	}
	for _, answer := range []string{
		"", "{}", "[]", "null", `{"p":6,"m":[]}`, described + "x", described[:40],
		`{"p":88,"m":[{"v":65536}]}`, `{"p":88,"m":[{"v":-1}]}`, `{"p":88,"m":[{"n":"256"}]}`, `{"p":88,"m":[{"n":"-1"}]}`,
		`{"p":88,"m":[{"n":1}]}`, `{"p":88,"m":[{"f":"su"}]}`, `{"p":88,"m":[{"f":"\u001b"}]}`, `{"p":88,"m":[{"l":"M"}]}`,
		`{"p":88,"m":[` + strings.Repeat(`{},`, mostModules) + `{}]}`,
		strings.Repeat(`{"m":[`, 1000),
	} {
		if found, err := ParseModules(answer); !errors.Is(err, ErrMalformed) || found != nil {
			t.Errorf("%.60q: %+v, %v", answer, found, err)
		}
	}
}

// What a board says never makes a parser fail otherwise than by saying so, and
// what they take has the form that they promise.
func FuzzParseDeviceID(f *testing.F) {
	f.Add(soundID)
	f.Fuzz(func(t *testing.T, answer string) {
		id, err := ParseDeviceID(answer)
		if (err == nil) != (len(id) == 24) || (err != nil && !errors.Is(err, ErrMalformed)) {
			t.Errorf("%q, %v", id, err)
		}
	})
}

func FuzzParseMAC(f *testing.F) {
	f.Add("Your device MAC address is\r\n6c:0b:84:aa:bb:0c")
	f.Fuzz(func(t *testing.T, answer string) {
		mac, err := ParseMAC(answer)
		if (err == nil) != (len(mac) == 6) || (err != nil && !errors.Is(err, ErrMalformed)) {
			t.Errorf("%v, %v", mac, err)
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	f.Add("system firmware version: 0.3.3")
	f.Fuzz(func(t *testing.T, answer string) {
		version, err := ParseVersion(answer)
		if (err == nil) != (version != "") || len(version) > 32 || (err != nil && !errors.Is(err, ErrMalformed)) {
			t.Errorf("%q, %v", version, err)
		}
	})
}

func FuzzParseModules(f *testing.F) {
	f.Add(described)
	f.Add(`{"p":88,"m":[{}]}`)
	f.Fuzz(func(t *testing.T, answer string) {
		found, err := ParseModules(answer)
		if len(found) > mostModules || (err != nil && (found != nil || !errors.Is(err, ErrMalformed))) {
			t.Errorf("%+v, %v", found, err)
		}
		for _, m := range found {
			if len(m.Function) > 1 || len(m.Store) > 1 || m.Number < 0 || m.Number > 255 {
				t.Errorf("%+v", m)
			}
		}
	})
}
