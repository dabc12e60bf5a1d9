package virtualduo

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"slices"

	"duogateway/secret"
)

// FirmwareKey is a private key as the firmware sees it: by position, without
// looking at any tag or length. E is taken as 65537 and D is never used.
type FirmwareKey struct {
	N                  []byte       // 128 bytes
	P, Q, DP, DQ, QInv secret.Bytes // 64 bytes each
}

const (
	modulusSize    = 128
	primeSize      = 64
	publicExponent = 65537
)

// readKey walks a private key field with the firmware's fixed strides
// (redbear/firmware communication/src/handshake.cpp:141-226): step to a length
// octet, skip one more byte if it is odd, take the number.
func readKey(field []byte) FirmwareKey {
	at := 9
	take := func(size int) []byte {
		if field[at]&1 == 1 {
			at++
		}
		at++
		return slices.Clone(field[at : at+size])
	}
	var key FirmwareKey
	key.N = take(modulusSize)
	at += 135
	_ = take(modulusSize) // D
	at += 129
	primes := []*secret.Bytes{&key.P, &key.Q, &key.DP, &key.DQ, &key.QInv}
	for i, number := range primes {
		if i > 0 {
			at += 65
		}
		*number = secret.Of(take(primeSize))
	}
	return key
}

// Consistent says whether the private operation works: the firmware makes it by
// the Chinese remainder theorem, of all five numbers, and checks no result.
func (k FirmwareKey) Consistent() bool {
	number := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	p, q := number(k.P.Reveal()), number(k.Q.Reveal())
	one := big.NewInt(1)
	if p.Cmp(one) <= 0 || q.Cmp(one) <= 0 || new(big.Int).Mul(p, q).Cmp(number(k.N)) != 0 {
		return false
	}
	return isInverse(number(k.DP.Reveal()), big.NewInt(publicExponent), new(big.Int).Sub(p, one)) &&
		isInverse(number(k.DQ.Reveal()), big.NewInt(publicExponent), new(big.Int).Sub(q, one)) &&
		isInverse(number(k.QInv.Reveal()), q, p)
}

func isInverse(a, b, modulus *big.Int) bool {
	product := new(big.Int).Mul(a, b)
	return product.Mod(product, modulus).Cmp(big.NewInt(1)) == 0
}

// Fingerprint is the SHA-256, in hex, of the public key that the firmware
// would offer; empty if the private key does not belong to it.
func (k FirmwareKey) Fingerprint() string {
	if !k.Consistent() || len(k.N) == 0 || k.N[0] == 0 {
		return ""
	}
	sum := sha256.Sum256(publicKeyOf(k.N))
	return hex.EncodeToString(sum[:])
}

// publicKeyHead comes before the modulus of every public key that the
// firmware writes (redbear/firmware communication/src/handshake.cpp:235-249).
var publicKeyHead = []byte{
	0x30, 0x81, 0x9F, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01,
	0x01, 0x05, 0x00, 0x03, 0x81, 0x8D, 0x00, 0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00,
}

// publicKeyOf is the SPKI of 162 bytes for a modulus.
func publicKeyOf(modulus []byte) []byte {
	return slices.Concat(publicKeyHead, modulus, []byte{0x02, 0x03, 0x01, 0x00, 0x01})
}

// publicKeyFieldOf is the whole public key field that belongs to a private
// key field: the modulus is copied from where it should be, sound or not.
func publicKeyFieldOf(privateKey []byte) []byte {
	field := make([]byte, publicKeyField)
	copy(field, publicKeyOf(readKey(privateKey).N))
	return field
}

// GenerateKey makes the RSA-1024 key of seed in the form of the firmware: 611
// bytes of DER whose integers have a fixed width
// (redbear/firmware communication/src/dsakeygen.cpp:133-175). The same seed
// gives the same key: it protects nothing.
func GenerateKey(seed uint64) secret.Bytes { return encodeKey(keyNumbers(seed), fixedWidth) }

// GenerateNaturalKey makes the same key in the form of system 0.1.1: the heads
// have a fixed width but the numbers their natural one, so that behind a
// number that is short everything is shifted. About one key in 56 is.
func GenerateNaturalKey(seed uint64) secret.Bytes { return encodeKey(keyNumbers(seed), naturalWidth) }

// keyNumbers are n, d, p, q, dp, dq and qinv.
func keyNumbers(seed uint64) []*big.Int {
	random := rand.NewChaCha8([32]byte(synthetic("key", seed, 32)))
	p, q := prime(random), prime(random)
	if p.Cmp(q) < 0 {
		p, q = q, p
	}
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	phi := new(big.Int).Mul(p1, q1)
	d := new(big.Int).ModInverse(big.NewInt(publicExponent), phi)
	return []*big.Int{
		new(big.Int).Mul(p, q), d, p, q,
		new(big.Int).Mod(d, p1), new(big.Int).Mod(d, q1), new(big.Int).ModInverse(q, p),
	}
}

// prime returns a prime of 512 bits, the two highest set, so that the product
// of two has 1024 bits, with p-1 coprime to the exponent.
func prime(random *rand.ChaCha8) *big.Int {
	exponent, one := big.NewInt(publicExponent), big.NewInt(1)
	candidate := make([]byte, primeSize)
	for {
		_, _ = random.Read(candidate)
		candidate[0] |= 0xC0
		candidate[primeSize-1] |= 1
		p := new(big.Int).SetBytes(candidate)
		if !p.ProbablyPrime(20) {
			continue
		}
		remainder := new(big.Int).Mod(new(big.Int).Sub(p, one), exponent)
		if remainder.Sign() != 0 {
			return p
		}
	}
}

// encodeKey writes version, n, e, d, p, q, dp, dq and qinv, each number with
// a leading zero byte whether DER wants it or not.
func encodeKey(numbers []*big.Int, write func(number *big.Int, size int) []byte) secret.Bytes {
	der := []byte{0x30, 0x82, 0x02, 0x5F, 0x02, 0x01, 0x00}
	for i, number := range numbers {
		switch i {
		case 0, 1:
			der = append(der, 0x02, 0x81, 0x81, 0x00)
			der = append(der, write(number, modulusSize)...)
		default:
			der = append(der, 0x02, 0x41, 0x00)
			der = append(der, write(number, primeSize)...)
		}
		if i == 0 {
			der = append(der, 0x02, 0x03, 0x01, 0x00, 0x01)
		}
	}
	return secret.Of(der)
}

func fixedWidth(number *big.Int, size int) []byte { return number.FillBytes(make([]byte, size)) }

func naturalWidth(number *big.Int, _ int) []byte { return number.Bytes() }
