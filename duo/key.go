package duo

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"

	"duogateway/secret"
)

const (
	modulusBits = 1024
	primeBits   = modulusBits / 2
	primeLen    = primeBits / 8
	exponent    = 65537
)

// ErrKeyCorrupt is returned for bytes that hold no sound private key.
var ErrKeyCorrupt = errors.New("private key is corrupt")

// PrivateKey is a sound RSA key of 1024 bits with exponent 65537: every
// PrivateKey that this package returns has passed all relations between its
// numbers. It prints as [redacted].
type PrivateKey struct {
	n, d, p, q, dp, dq, qinv *big.Int
}

// NewPrivateKey makes a key from the system's secure random source.
func NewPrivateKey() (*PrivateKey, error) {
	made, err := rsa.GenerateKey(rand.Reader, modulusBits)
	if err != nil {
		return nil, fmt.Errorf("making a private key: %w", err)
	}
	key := &PrivateKey{
		n: made.N, d: made.D, p: made.Primes[0], q: made.Primes[1],
		dp: made.Precomputed.Dp, dq: made.Precomputed.Dq, qinv: made.Precomputed.Qinv,
	}
	if err := key.check(); err != nil {
		return nil, fmt.Errorf("making a private key: %w", err)
	}
	return key, nil
}

// SPKI returns the public key as the 162 bytes that the board keeps and the
// cloud registers.
func (k *PrivateKey) SPKI() []byte {
	return spkiOf(k.n.FillBytes(make([]byte, modulusLen)))
}

// Fingerprint returns the SHA-256 of SPKI as lower-case hex.
func (k *PrivateKey) Fingerprint() string { return Fingerprint(k.SPKI()) }

// PublicPEM returns the public key as PEM text.
func (k *PrivateKey) PublicPEM() string { return PublicPEM(k.SPKI()) }

// Clear overwrites the key's numbers. The key must not be used after it.
func (k *PrivateKey) Clear() {
	for _, x := range k.numbers() {
		clear(x.Bits())
		x.SetInt64(0)
	}
}

// String returns [redacted].
func (k PrivateKey) String() string { return secret.Redacted }

// Format writes [redacted] whatever the verb.
func (k PrivateKey) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, secret.Redacted)
}

// MarshalText returns [redacted].
func (k PrivateKey) MarshalText() ([]byte, error) { return []byte(secret.Redacted), nil }

// LogValue returns [redacted].
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(secret.Redacted) }

// numbers returns the numbers in the order of PKCS#1, without version and
// exponent.
func (k PrivateKey) numbers() [7]*big.Int {
	return [7]*big.Int{k.n, k.d, k.p, k.q, k.dp, k.dq, k.qinv}
}

// check tests the sizes and every relation between the numbers of the key.
func (k *PrivateKey) check() error {
	for _, x := range k.numbers() {
		if x.Sign() <= 0 {
			return fmt.Errorf("%w: a number is zero or negative", ErrKeyCorrupt)
		}
	}
	if k.n.BitLen() != modulusBits || k.p.BitLen() != primeBits || k.q.BitLen() != primeBits {
		return fmt.Errorf("%w: not a key of %d bits", ErrKeyCorrupt, modulusBits)
	}
	if new(big.Int).Mul(k.p, k.q).Cmp(k.n) != 0 {
		return fmt.Errorf("%w: the primes do not make the modulus", ErrKeyCorrupt)
	}
	return k.checkExponents()
}

// checkExponents tests d, dp, dq and qinv of a key whose primes fit.
func (k *PrivateKey) checkExponents() error {
	one, e := big.NewInt(1), big.NewInt(exponent)
	pMinus1 := new(big.Int).Sub(k.p, one)
	qMinus1 := new(big.Int).Sub(k.q, one)
	product := new(big.Int).Mul(k.d, e)
	rest := new(big.Int)
	switch {
	case k.d.Cmp(k.n) >= 0,
		rest.Mod(product, pMinus1).Cmp(one) != 0,
		rest.Mod(product, qMinus1).Cmp(one) != 0:
		return fmt.Errorf("%w: the private exponent does not fit", ErrKeyCorrupt)
	case rest.Mod(k.d, pMinus1).Cmp(k.dp) != 0, rest.Mod(k.d, qMinus1).Cmp(k.dq) != 0:
		return fmt.Errorf("%w: a reduced exponent does not fit", ErrKeyCorrupt)
	case k.qinv.Cmp(k.p) >= 0, rest.Mod(product.Mul(k.qinv, k.q), k.p).Cmp(one) != 0:
		return fmt.Errorf("%w: the coefficient does not fit", ErrKeyCorrupt)
	}
	return nil
}
