package virtualduo

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os/exec"
	"strings"
	"testing"
)

func TestGeneratedKeyPassesOpenSSL(t *testing.T) {
	key := GenerateKey(1)
	if key.Len() != 611 {
		t.Fatalf("%d bytes, want 611", key.Len())
	}
	command := exec.Command("openssl", "rsa", "-inform", "DER", "-check", "-noout")
	command.Stdin = bytes.NewReader(key.Reveal())
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "RSA key ok") {
		t.Errorf("openssl says %q, %v", out, err)
	}
}

func TestGeneratedKeysReadBackAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(8) {
		field := append(GenerateKey(seed).Reveal(), make([]byte, 605)...)
		fingerprint := readKey(field).Fingerprint()
		if fingerprint == "" || seen[fingerprint] {
			t.Errorf("seed %d: fingerprint %q", seed, fingerprint)
		}
		seen[fingerprint] = true
	}
}

// openssl writes minimal DER; the firmware reads it right unless a number is
// shorter than usual.
func TestReaderAgreesWithOpenSSL(t *testing.T) {
	for range 4 {
		out, err := exec.Command("openssl", "genrsa", "-traditional", "1024").Output()
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(out)
		want, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		got := readKey(append(block.Bytes, make([]byte, 700)...))
		if !bytes.Equal(got.N, want.N.Bytes()) {
			t.Error("another modulus")
		}
		if !usual(want) {
			continue
		}
		if qinv := new(big.Int).SetBytes(got.QInv.Reveal()); !got.Consistent() || qinv.Cmp(want.Precomputed.Qinv) != 0 {
			t.Error("other numbers")
		}
	}
}

// usual says whether DER needs the firmware's width, or one byte less, which
// is the leading zero, for every number.
func usual(key *rsa.PrivateKey) bool {
	short := key.D.BitLen() < 127*8
	for _, number := range append(key.Primes, key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv) {
		short = short || number.BitLen() < 63*8
	}
	return !short
}

func TestPublicKeyIsWhatOthersMake(t *testing.T) {
	field := append(GenerateKey(3).Reveal(), make([]byte, 605)...)
	parsed, err := x509.ParsePKIXPublicKey(publicKeyOf(readKey(field).N))
	if err != nil {
		t.Fatal(err)
	}
	again, err := x509.MarshalPKIXPublicKey(parsed)
	if err != nil || !bytes.Equal(again, publicKeyOf(readKey(field).N)) {
		t.Errorf("re-encoded otherwise, %v", err)
	}
}

func FuzzReadKey(f *testing.F) {
	f.Add(GenerateKey(1).Reveal())
	f.Add(bytes.Repeat([]byte{0xFF}, 1216))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, field []byte) {
		full := make([]byte, privateKeyReserved)
		copy(full, field)
		_ = readKey(full).Fingerprint()
	})
}

// The keys of these seeds have a number that is a byte short. It depends on
// which one whether the firmware's reader falls into step again.
func TestKeysOfTheFirstSystemMayBeShifted(t *testing.T) {
	for seed, readable := range map[uint64]bool{44: true, 94: false, 1: true} {
		natural, fixed := GenerateNaturalKey(seed).Reveal(), GenerateKey(seed).Reveal()
		if short := len(natural) < 611; short != (seed != 1) || len(fixed) != 611 {
			t.Errorf("seed %d: %d bytes, %d in the fixed form", seed, len(natural), len(fixed))
		}
		field := make([]byte, privateKeyReserved)
		copy(field, natural)
		if readKey(field).Consistent() != readable {
			t.Errorf("seed %d: the firmware reads it: %v", seed, !readable)
		}
	}
}
