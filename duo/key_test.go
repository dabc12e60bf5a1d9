package duo

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"duogateway/secret"
)

// openssl is the other opinion on every form: the same key, the same public
// half, and the 611 bytes that a board writes are a sound key to it too.
func TestKeysOfOpenSSL(t *testing.T) {
	for range 4 {
		made := openssl(t, nil, "genrsa", "-traditional", "1024")
		der := openssl(t, made, "rsa", "-traditional", "-outform", "DER")
		spki := openssl(t, made, "rsa", "-pubout", "-outform", "DER")
		pkcs8 := openssl(t, made, "pkcs8", "-topk8", "-nocrypt", "-outform", "DER")

		key, form, err := ReadPrivateKey(field(der))
		if err != nil {
			t.Fatal(err)
		}
		if form != FormMinimal && len(der) < FixedKeyLen {
			t.Errorf("form %q of %d bytes", form, len(der))
		}
		if !bytes.Equal(key.SPKI(), spki) || key.Fingerprint() != Fingerprint(spki) {
			t.Error("another public key than openssl's")
		}
		if !bytes.Equal(key.Minimal().Reveal(), der) {
			t.Error("the minimal form differs from openssl's")
		}
		if !bytes.Equal(key.PEM().Reveal(), made) || !bytes.Equal(key.PKCS8().Reveal(), pkcs8) {
			t.Error("PEM or PKCS#8 differ from openssl's")
		}
		if got := openssl(t, key.Fixed().Reveal(), "rsa", "-inform", "DER", "-check", "-noout"); !bytes.Contains(got, []byte("RSA key ok")) {
			t.Errorf("openssl on the fixed form: %s", got)
		}
		if got := openssl(t, key.Fixed().Reveal(), "rsa", "-inform", "DER", "-pubout", "-outform", "DER"); !bytes.Equal(got, spki) {
			t.Error("openssl reads another key out of the fixed form")
		}
		if got := openssl(t, []byte(key.PublicPEM()), "rsa", "-pubin", "-outform", "DER"); !bytes.Equal(got, spki) {
			t.Error("openssl reads another key out of the public PEM")
		}
	}
}

func TestFixedForm(t *testing.T) {
	for range 8 {
		key := newKey(t)
		fixed := key.Fixed().Reveal()
		if len(fixed) != FixedKeyLen || !bytes.HasPrefix(fixed, []byte("\x30\x82\x02\x5f\x02\x01\x00\x02\x81\x81\x00")) {
			t.Fatalf("%d bytes", len(fixed))
		}
		for _, after := range []byte{0x00, 0xFF} {
			again, form, err := ReadPrivateKey(append(bytes.Clone(fixed), after))
			if err != nil || form != FormFixed || again.Fingerprint() != key.Fingerprint() {
				t.Errorf("reading it again: form %q, %v", form, err)
			}
		}
		if !ReadableByFirmware(fixed, key) {
			t.Error("a board misreads the fixed form")
		}
		// crypto/x509 takes the minimal form and, unless both are the same,
		// refuses the fixed one: that is why this package has its own reader.
		if _, err := x509.ParsePKCS1PrivateKey(key.Minimal().Reveal()); err != nil {
			t.Errorf("the minimal form: %v", err)
		}
		if _, err := x509.ParsePKCS1PrivateKey(fixed); (err == nil) != bytes.Equal(fixed, key.Minimal().Reveal()) {
			t.Errorf("crypto/x509 on the fixed form: %v", err)
		}
		public, err := x509.ParsePKIXPublicKey(key.SPKI())
		if err != nil || public.(*rsa.PublicKey).N.Cmp(key.n) != 0 {
			t.Errorf("the public key: %v", err)
		}
	}
}

// Some minimal keys are misread, and rewriting them in the fixed form cures it.
func TestMisreadKey(t *testing.T) {
	key := misreadKey(t)
	report, read := ClassifyPrivateKey(field(key.Minimal().Reveal()))
	want := PrivateKeyReport{PrivateKeyUnreadable, FormMinimal, key.Fingerprint()}
	if report != want || read == nil {
		t.Errorf("%+v, want %+v", report, want)
	}
	report, _ = ClassifyPrivateKey(field(key.Fixed().Reveal()))
	if report != (PrivateKeyReport{PrivateKeyValid, FormFixed, key.Fingerprint()}) {
		t.Errorf("in the fixed form: %+v", report)
	}
}

func TestEveryDamagedBitIsSeen(t *testing.T) {
	fixed := newKey(t).Fixed().Reveal()
	for i := range fixed {
		for bit := range 8 {
			damaged := field(fixed)
			damaged[i] ^= 1 << bit
			if _, _, err := ReadPrivateKey(damaged); !errors.Is(err, ErrKeyCorrupt) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
		}
	}
}

func TestUnusualForm(t *testing.T) {
	key := newKey(t)
	// One superfluous zero before the exponent alone: neither form.
	der := bytes.Replace(key.Minimal().Reveal(), []byte{0x02, 0x03, 0x01, 0x00, 0x01}, []byte{0x02, 0x04, 0x00, 0x01, 0x00, 0x01}, 1)
	size := len(der) - 4
	der[2], der[3] = byte(size>>8), byte(size)
	_, form, err := ReadPrivateKey(der)
	if err != nil || form != FormOther {
		t.Errorf("form %q, %v", form, err)
	}
}

func TestRefusedKeys(t *testing.T) {
	sound := newKey(t)
	other := newKey(t)
	wrong := func(change func(*PrivateKey)) []byte {
		key := *sound
		change(&key)
		return key.Minimal().Reveal()
	}
	plus := func(x *big.Int, n int64) *big.Int { return new(big.Int).Add(x, big.NewInt(n)) }
	longer := append(sound.Minimal().Reveal(), 0)
	longer[3]++
	phi := new(big.Int).Mul(plus(sound.p, -1), plus(sound.q, -1))
	fixed := sound.Fixed().Reveal()
	// The modulus without its leading zero, and the version with three.
	negative := bytes.Join([][]byte{fixed[:9], {0x80}, fixed[11:]}, nil)
	negative[3]--
	padded := bytes.Join([][]byte{fixed[:5], {0x04, 0, 0, 0, 0}, fixed[7:]}, nil)
	padded[3] += 3
	for name, der := range map[string][]byte{
		"nothing":            nil,
		"four bytes":         {0x30, 0x82, 0x02, 0x5F},
		"cut short":          sound.Fixed().Reveal()[:610],
		"zeros":              make([]byte, PrivateKeyStored),
		"erased":             ResetBlob(),
		"another modulus":    wrong(func(k *PrivateKey) { k.n = other.n }),
		"another exponent":   wrong(func(k *PrivateKey) { k.d = other.d }),
		"exponent too large": wrong(func(k *PrivateKey) { k.d = new(big.Int).Add(k.d, new(big.Int).Lsh(phi, 1)) }),
		"primes swapped":     wrong(func(k *PrivateKey) { k.p, k.q = k.q, k.p }),
		"prime of one":       wrong(func(k *PrivateKey) { k.p, k.q = big.NewInt(1), k.n }),
		"dp wrong":           wrong(func(k *PrivateKey) { k.dp = plus(k.dp, 2) }),
		"dq wrong":           wrong(func(k *PrivateKey) { k.dq = plus(k.dq, 2) }),
		"qinv wrong":         wrong(func(k *PrivateKey) { k.qinv = plus(k.qinv, 1) }),
		"qinv not reduced":   wrong(func(k *PrivateKey) { k.qinv = new(big.Int).Add(k.qinv, k.p) }),
		"a byte in excess":   longer,
		"modulus negative":   negative,
		"longer than 612":    padded,
		"PKCS#8":             openssl(t, sound.Minimal().Reveal(), "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"),
		"2048 bits":          openssl(t, nil, "genrsa", "-traditional", "2048"),
	} {
		if key, _, err := ReadPrivateKey(der); !errors.Is(err, ErrKeyCorrupt) || key != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImportPrivateKey(t *testing.T) {
	key := newKey(t)
	minimal := key.Minimal().Reveal()
	dump := bytes.Repeat([]byte{0xFF}, docsDump)
	copy(dump, key.Fixed().Reveal())
	for name, file := range map[string][]byte{
		"PKCS#1 DER":        minimal,
		"a board's field":   field(key.Fixed().Reveal()),
		"dfu-util's dump":   dump,
		"PKCS#1 PEM":        openssl(t, minimal, "rsa", "-inform", "DER", "-traditional"),
		"PKCS#8 DER":        openssl(t, minimal, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"),
		"PKCS#8 PEM":        openssl(t, minimal, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER"),
		"public then PKCS1": append([]byte(key.PublicPEM()), openssl(t, minimal, "rsa", "-inform", "DER", "-traditional")...),
	} {
		got, err := ImportPrivateKey(file)
		if err != nil || got.Fingerprint() != key.Fingerprint() {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, file := range map[string][]byte{
		"nothing":       nil,
		"public":        []byte(key.PublicPEM()),
		"encrypted":     openssl(t, minimal, "pkcs8", "-topk8", "-inform", "DER", "-passout", "pass:hush"),
		"encrypted old": openssl(t, minimal, "rsa", "-inform", "DER", "-traditional", "-aes128", "-passout", "pass:hush"),
		"EC":            openssl(t, nil, "ecparam", "-name", "prime256v1", "-genkey", "-noout"),
		"EC PKCS#8":     openssl(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
	} {
		got, err := ImportPrivateKey(file)
		if !errors.Is(err, ErrKeyFile) || got != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(name, "encrypted") != strings.Contains(err.Error(), "encrypted") {
			t.Errorf("%s: the reason is %v", name, err)
		}
	}
}

// P4: neither a key nor what holds one shows it when it is printed.
func TestKeysNeverPrint(t *testing.T) {
	key := newKey(t)
	area := Area{Bytes: secret.Of(areaDump(key))}
	block, _ := area.Block()
	dump, err := ParseDump(area.Reveal(), StartBySize)
	if err != nil {
		t.Fatal(err)
	}
	holders := []any{key, *key, struct{ K *PrivateKey }{key}, struct{ k *PrivateKey }{key},
		key.Fixed(), key.Minimal(), area, &area, block, dump, Sectors{{area.Bytes}}}
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, nil))
	for _, holder := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", holder)
		}
		encoded, err := json.Marshal(holder)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encoded)
		logger.Info("x", "holder", holder)
	}
	prime := key.p.FillBytes(make([]byte, primeLen))[:16]
	for _, leak := range []string{
		string(prime), fmt.Sprintf("%x", prime), fmt.Sprintf("%X", prime),
		strings.Trim(fmt.Sprint(prime), "[]"), key.p.String(),
	} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("a prime is printed as %q", leak)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing was printed at all")
	}
}

func TestClear(t *testing.T) {
	key := newKey(t)
	words := key.p.Bits()
	key.Clear()
	for _, word := range words {
		if word != 0 {
			t.Fatal("the prime is still there")
		}
	}
}

func TestImportPublicKey(t *testing.T) {
	key := newKey(t)
	for name, file := range map[string][]byte{
		"DER": key.SPKI(), "PEM": []byte(key.PublicPEM()), "field": append(key.SPKI(), make([]byte, 222)...),
	} {
		if spki, err := ImportPublicKey(file); err != nil || !bytes.Equal(spki, key.SPKI()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, file := range map[string][]byte{
		"nothing": nil, "private": key.Fixed().Reveal(), "private PEM": key.PEM().Reveal(), "erased": bytes.Repeat([]byte{0xFF}, 384),
	} {
		if _, err := ImportPublicKey(file); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnwrapKeyFile(t *testing.T) {
	key := newKey(t)
	minimal := key.Minimal().Reveal()
	for name, test := range map[string]struct {
		file       []byte
		pem, pkcs8 bool
	}{
		"PKCS#1":     {minimal, false, false},
		"PKCS#1 PEM": {key.PEM().Reveal(), true, false},
		"PKCS#8":     {key.PKCS8().Reveal(), false, true},
		"PKCS#8 PEM": {openssl(t, minimal, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER"), true, true},
	} {
		got, err := UnwrapKeyFile(test.file)
		if err != nil || got.PEM != test.pem || got.PKCS8 != test.pkcs8 || !bytes.Equal(got.PKCS1.Reveal(), minimal) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestGenericPublicKey(t *testing.T) {
	if got := Fingerprint(GenericPublicKey()); got != "ab5db8e8046fa8e08b35c28c5aec7d5a77ce31df6d90396e5c925a10ef476f29" {
		t.Errorf("fingerprint %s", got)
	}
	if spki, ok := ReadPublicKey(append(GenericPublicKey(), 0)); !ok || !bytes.Equal(spki, GenericPublicKey()) {
		t.Error("it is not read as a public key")
	}
	for _, field := range [][]byte{nil, GenericPublicKey()[1:], bytes.Repeat([]byte{0xFF}, 384)} {
		if _, ok := ReadPublicKey(field); ok {
			t.Error("a public key is found where there is none")
		}
	}
}
