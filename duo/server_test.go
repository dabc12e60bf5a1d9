package duo

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParticleServerKey(t *testing.T) {
	key := ParticleServerKey()
	if got := Fingerprint(key); len(key) != ServerKeyLen || got != "aa8aba3c973ed4b668999047a09597948f36eefde525352e705fe8ef98c1677e" {
		t.Errorf("%d bytes, fingerprint %s", len(key), got)
	}
	if !bytes.HasPrefix(testdata(t, "server_public_key.der"), key) {
		t.Error("the published file begins with another key")
	}
}

func TestReadServerKey(t *testing.T) {
	custom := ParticleServerKey()
	for i := range custom[33:289] {
		custom[33+i] ^= 0x55
	}
	spoilt := func(at int) []byte {
		key := ParticleServerKey()
		key[at] ^= 1
		return key
	}
	for name, test := range map[string]struct {
		field []byte
		state ServerKeyState
	}{
		"Particle's":    {ParticleServerKey(), ServerKeyParticle},
		"with filling":  {append(ParticleServerKey(), 0xFF, 0xFF), ServerKeyParticle},
		"custom":        {custom, ServerKeyCustom},
		"made here":     {openssl(t, openssl(t, nil, "genrsa", "2048"), "rsa", "-pubout", "-outform", "DER"), ServerKeyCustom},
		"erased":        {bytes.Repeat([]byte{0xFF}, 384), ServerKeyErased},
		"zeros":         {make([]byte, 384), ServerKeyCorrupt},
		"head damaged":  {spoilt(1), ServerKeyCorrupt},
		"tail damaged":  {spoilt(293), ServerKeyCorrupt},
		"a bit changed": {spoilt(100), ServerKeyCorrupt},
		"cut short":     {ParticleServerKey()[:293], ServerKeyCorrupt},
		"a board's":     {GenericPublicKey(), ServerKeyCorrupt},
		"nothing":       {nil, ServerKeyCorrupt},
	} {
		state, spki := ReadServerKey(test.field)
		sound := state == ServerKeyParticle || state == ServerKeyCustom
		if state != test.state || sound != (len(spki) == ServerKeyLen) || !sound && spki != nil {
			t.Errorf("%s: %v with %d bytes, want %v", name, state, len(spki), test.state)
		}
	}
}

// address returns a field that begins with head and has a port.
func address(head string, port string) []byte {
	field := bytes.Repeat([]byte{0xFF}, ServerAddressReserved)
	copy(field, head)
	copy(field[addressPort:], port)
	return field
}

func TestParseServerAddress(t *testing.T) {
	const none = "\xff\xff"
	for name, test := range map[string]struct {
		field []byte
		want  ServerAddress
	}{
		"Particle's":        {address("\x01\x0fdevice.spark.io\x00", none), ServerAddress{AddressDomain, "device.spark.io", 5683}},
		"port zero":         {address("\x01\x01a", "\x00\x00"), ServerAddress{AddressDomain, "a", 5683}},
		"port":              {address("\x01\x01a", "\x16\x34"), ServerAddress{AddressDomain, "a", 5684}},
		"a zero counted in": {address("\x01\x02a\x00", none), ServerAddress{AddressDomain, "a", 5683}},
		"device id inside":  {address("\x01\x05$id.x", none), ServerAddress{AddressDomain, "$id.x", 5683}},
		"126 characters":    {address("\x01\x7e"+strings.Repeat("a", 126), "aa"), ServerAddress{AddressDomain, strings.Repeat("a", 126), 0x6161}},
		"127 characters":    {address("\x01\x7f"+strings.Repeat("a", 126), "aa"), ServerAddress{AddressInvalid, "", 5683}},
		"no characters":     {address("\x01\x00", "\x16\x34"), ServerAddress{AddressInvalid, "", 5683}},
		"escape sequence":   {address("\x01\x03\x1b[m", none), ServerAddress{AddressInvalid, "", 5683}},
		"not ASCII":         {address("\x01\x02\xc3\xa4", none), ServerAddress{AddressInvalid, "", 5683}},
		"IPv4":              {address("\x00\x04\x0a\x00\x00\x07", "\x00\x50"), ServerAddress{AddressIPv4, "10.0.0.7", 80}},
		"IPv4 too short":    {address("\x00\x03\x0a\x00\x00\x07", none), ServerAddress{AddressInvalid, "", 5683}},
		"erased":            {address("", none), ServerAddress{AddressErased, "", 5683}},
		"erased, with port": {address("\xff", "\x16\x34"), ServerAddress{AddressErased, "", 5683}},
		"zeros":             {make([]byte, 128), ServerAddress{AddressInvalid, "", 5683}},
		"another type":      {address("\x02\x01a", none), ServerAddress{AddressInvalid, "", 5683}},
		"cut short":         {address("\x01\x01a", none)[:127], ServerAddress{AddressInvalid, "", 5683}},
		"nothing":           {nil, ServerAddress{AddressInvalid, "", 5683}},
	} {
		if got := ParseServerAddress(test.field); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// The published file is key, filling and the first bytes of an address.
func TestEncodeServerAddress(t *testing.T) {
	field, err := EncodeServerAddress(DefaultHost, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"", "a b", "ä", "a\n", "::1", strings.Repeat("a", 64)} {
		if _, err := EncodeServerAddress(host, 0); !errors.Is(err, ErrServerAddress) {
			t.Errorf("%q: %v", host, err)
		}
	}
	if published := testdata(t, "server_public_key.der")[ServerKeyReserved:]; !bytes.HasPrefix(field, published) {
		t.Errorf("% x, published % x", field[:20], published)
	}
}

func TestServerAddressRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.StringMatching(`[a-z][a-z0-9.$-]{0,62}`).Draw(t, "host")
		port := rapid.Uint16().Draw(t, "port")
		field, err := EncodeServerAddress(host, port)
		if err != nil || len(field) != ServerAddressReserved {
			t.Fatal(err)
		}
		if got := ParseServerAddress(field); got != (ServerAddress{AddressDomain, host, effectivePort(port)}) {
			t.Fatalf("%+v", got)
		}
	})
}
