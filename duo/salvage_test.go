package duo

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"testing"

	"duogateway/secret"
)

// primes returns count primes that can be paired to keys.
func primes(t testing.TB, count int) []*big.Int {
	t.Helper()
	var found []*big.Int
	for len(found) < count {
		made, err := rsa.GenerateKey(rand.Reader, modulusBits)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, made.Primes...)
	}
	return found
}

// shiftedForm writes a key as system 0.1.1 did: the outer header says 611
// bytes, every number stands behind the header of its full width and a zero
// byte, but is written at its natural size. So a number that is shorter than
// its width pulls all that follow forward, and leaves at the end what the
// field held before (redbear/firmware tag duo-v0.1.1,
// communication/src/dsakeygen.cpp:38-57, 83).
func shiftedForm(key *PrivateKey) []byte {
	der := []byte{0x30, 0x82, 0x02, 0x5F, 0x02, 0x01, 0x00}
	for i, x := range key.numbers() {
		if i < 2 {
			der = append(der, 0x02, 0x81, modulusLen+1, 0x00)
		} else {
			der = append(der, 0x02, primeLen+1, 0x00)
		}
		der = append(der, x.Bytes()...)
		if i == 0 {
			der = append(der, 0x02, 0x03, 0x01, 0x00, 0x01)
		}
	}
	return field(der)
}

// phiKey computes a key as a board does, with the exponent modulo phi, and
// quickly: most of those that it makes are thrown away.
func phiKey(p, q *big.Int) *PrivateKey {
	one, e := big.NewInt(1), big.NewInt(exponent)
	// The inverse of e modulo m is (1+km)/e for the k that makes it whole.
	inverse := func(m *big.Int) *big.Int {
		k := new(big.Int).ModInverse(new(big.Int).Mod(m, e), e)
		k.Sub(e, k)
		return k.Div(k.Add(k.Mul(k, m), one), e)
	}
	pm, qm := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	return &PrivateKey{
		n: new(big.Int).Mul(p, q), d: inverse(new(big.Int).Mul(pm, qm)), p: p, q: q,
		dp: inverse(pm), dq: inverse(qm), qinv: new(big.Int).ModInverse(q, p),
	}
}

// shiftedKeys returns keys of which that form is shorter than the full one.
func shiftedKeys(t *testing.T, count int) []*PrivateKey {
	t.Helper()
	pool := primes(t, 300)
	var keys []*PrivateKey
	for i, p := range pool {
		for _, q := range pool[:i] {
			key := phiKey(p, q)
			lengths := [7]int{modulusLen, modulusLen, primeLen, primeLen, primeLen, primeLen, primeLen}
			for k, x := range key.numbers() {
				if len(x.Bytes()) < lengths[k] {
					keys = append(keys, key)
					break
				}
			}
			if len(keys) == count {
				return keys
			}
		}
	}
	t.Fatalf("only %d shifted keys", len(keys))
	return nil
}

// All keys that system 0.1.1 wrote shifted come back, with the same modulus.
func TestSalvageShiftedKeys(t *testing.T) {
	for i, key := range shiftedKeys(t, 300) {
		damaged := shiftedForm(key)
		if report, _ := ClassifyPrivateKey(damaged); report.State == PrivateKeyValid {
			t.Fatalf("key %d is not damaged at all", i)
		}
		salvaged, err := Salvage(damaged)
		if err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
		if !bytes.Equal(salvaged.SPKI(), key.SPKI()) {
			t.Fatalf("key %d: another modulus", i)
		}
		if !ReadableByFirmware(salvaged.Fixed().Reveal(), salvaged) {
			t.Fatalf("key %d: a board misreads it", i)
		}
	}
}

// A hole of 128 bytes behind the modulus is mended wherever it lies, unless it
// takes a part of both primes.
func TestSalvageHoles(t *testing.T) {
	const hole, primeP, primeQ = 128, 279, 346
	key := newKey(t)
	whole := field(key.Fixed().Reveal())
	if !bytes.Equal(whole[primeP:primeP+primeLen], key.p.Bytes()) || !bytes.Equal(whole[primeQ:primeQ+primeLen], key.q.Bytes()) {
		t.Fatal("the primes are somewhere else")
	}
	for at := modulusOffset + modulusLen; at+hole <= FixedKeyLen; at++ {
		damaged := bytes.Clone(whole)
		for i := range hole {
			damaged[at+i] ^= 0xFF
		}
		touches := func(prime int) bool { return at < prime+primeLen && at+hole > prime }
		salvaged, err := Salvage(damaged)
		if lost := touches(primeP) && touches(primeQ); lost != (err != nil) {
			t.Fatalf("hole at %d: both primes lost: %v, error %v", at, lost, err)
		}
		if err == nil && salvaged.Fingerprint() != key.Fingerprint() {
			t.Fatalf("hole at %d: another key", at)
		}
		if err != nil && !errors.Is(err, ErrSalvage) {
			t.Fatal(err)
		}
	}
}

func TestSalvageByPublicKey(t *testing.T) {
	key, other := newKey(t), newKey(t)
	damaged := field(key.Fixed().Reveal())
	damaged[50] ^= 1
	publicField := append(key.SPKI(), make([]byte, PublicKeyReserved-SPKILen)...)
	for name, test := range map[string]struct {
		spkis [][]byte
		want  bool
	}{
		"no public key":         {nil, false},
		"its own":               {[][]byte{publicField}, true},
		"another board's":       {[][]byte{other.SPKI()}, false},
		"none, erased, its own": {[][]byte{nil, bytes.Repeat([]byte{0xFF}, 384), other.SPKI(), key.SPKI()}, true},
	} {
		salvaged, err := Salvage(damaged, test.spkis...)
		if (err == nil) != test.want || err == nil && salvaged.Fingerprint() != key.Fingerprint() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What cannot be salvaged is said to be so, and never made up.
func TestSalvageRefuses(t *testing.T) {
	key := newKey(t)
	// Two factors of the right size that are no primes: 3 and 5 divide them.
	times := func(n int64, bits ...int) *big.Int {
		x := big.NewInt(1)
		for _, bit := range bits {
			x.SetBit(x, bit, 1)
		}
		return x.Mul(x, big.NewInt(n))
	}
	p, q := times(3, 510, 1), times(5, 509, 507)
	composite := &PrivateKey{n: new(big.Int).Mul(p, q), d: p, p: p, q: q, dp: p, dq: q, qinv: p}
	if p.BitLen() != primeBits || q.BitLen() != primeBits || composite.n.BitLen() != modulusBits {
		t.Fatal("wrong sizes")
	}
	for name, damaged := range map[string][]byte{
		"nothing":           nil,
		"erased":            ResetBlob(),
		"zeros":             make([]byte, PrivateKeyReserved),
		"short":             make([]byte, 100),
		"FF":                bytes.Repeat([]byte{0xFF}, PrivateKeyReserved),
		"modulus alone":     key.Fixed().Reveal()[:139],
		"composite factors": field(composite.Fixed().Reveal()),
	} {
		if salvaged, err := Salvage(damaged); !errors.Is(err, ErrSalvage) || salvaged != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The prime may be in the other copy, but only the current one says which key
// it is.
func TestSalvageFromBothCopies(t *testing.T) {
	key, previous := newKey(t), newKey(t)
	copyWith := func(sequence byte, change func(area []byte), key *PrivateKey) Sector {
		raw := versionedSector(sequence, 0)
		area := areaDump(key)
		change(area)
		copy(raw[AreaStart:], area)
		writeVersionBlock(raw, sequence)
		return Sector{secret.Of(raw)}
	}
	whole := func([]byte) {}
	noPrimes := func(area []byte) { clear(area[PrivateKeyOffset+139 : PrivateKeyOffset+PrivateKeyStored]) }
	zeroed := func(area []byte) { clear(area[PrivateKeyOffset : PrivateKeyOffset+PrivateKeyStored]) }
	lost := func(area []byte) { clear(area[PrivateKeyOffset : PublicKeyOffset+PublicKeyReserved]) }
	notComplete := func(s Sector) Sector {
		raw := bytes.Clone(s.Reveal())
		raw[headerIncomplete] = 1
		return Sector{secret.Of(raw)}
	}
	for _, test := range []struct {
		name    string
		sectors Sectors
		want    *PrivateKey
	}{
		{"primes in the other copy", Sectors{copyWith(4, whole, key), copyWith(5, noPrimes, key)}, key},
		{"named by the public key", Sectors{copyWith(5, zeroed, key), copyWith(4, whole, key)}, key},
		{"the other copy has another key", Sectors{copyWith(4, whole, previous), copyWith(5, noPrimes, key)}, nil},
		{"not named any more", Sectors{copyWith(4, whole, key), copyWith(5, lost, key)}, nil},
		{"no current copy", Sectors{notComplete(copyWith(1, lost, key)), notComplete(copyWith(2, whole, key))}, key},
		{"one sector", Sectors{copyWith(4, whole, key)}, key},
		{"no sector", nil, nil},
		{"the other copy is blank", Sectors{copyWith(4, whole, key), {secret.Of(bytes.Repeat([]byte{0xFF}, SectorSize))}}, key},
	} {
		t.Run(test.name, func(t *testing.T) {
			salvaged, err := test.sectors.Salvage(EngineNew)
			if (test.want == nil) != errors.Is(err, ErrSalvage) {
				t.Fatal(err)
			}
			if test.want != nil && salvaged.Fingerprint() != test.want.Fingerprint() {
				t.Error("another key")
			}
			if test.name != "not named any more" {
				return
			}
			if salvaged, err := test.sectors.Salvage(EngineNew, key.SPKI()); err != nil || salvaged.Fingerprint() != key.Fingerprint() {
				t.Errorf("named by the cloud: %v", err)
			}
		})
	}
}

// Whatever is salvaged is a sound key whose modulus and prime are in the
// input, and which a board reads.
func FuzzSalvage(f *testing.F) {
	key := newKey(f)
	f.Add(key.Fixed().Reveal(), key.SPKI())
	f.Add(shiftedForm(key), []byte(nil))
	f.Add(append(make([]byte, 200), key.p.Bytes()...), key.SPKI())
	f.Add(ResetBlob(), GenericPublicKey())
	f.Fuzz(func(t *testing.T, field, spki []byte) {
		key, err := Salvage(field, spki)
		if err != nil {
			if !errors.Is(err, ErrSalvage) || key != nil {
				t.Fatal(err)
			}
			return
		}
		modulus := key.SPKI()[len(spkiHead) : len(spkiHead)+modulusLen]
		if !bytes.Contains(slices.Concat(field, spki), modulus) {
			t.Fatal("a modulus that is not in the input")
		}
		if !bytes.Contains(field, key.p.Bytes()) && !bytes.Contains(field, key.q.Bytes()) {
			t.Fatal("no prime of it is in the field")
		}
		fixed := key.Fixed().Reveal()
		if again, form, err := ReadPrivateKey(fixed); err != nil || form != FormFixed || !ReadableByFirmware(fixed, again) {
			t.Fatalf("form %q, %v", form, err)
		}
	})
}
