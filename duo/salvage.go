package duo

import (
	"errors"
	"fmt"
	"math/big"
)

// ErrSalvage is returned when what is left of a key does not tell the rest.
var ErrSalvage = errors.New("the private key cannot be salvaged")

// modulusOffset is where the modulus lies in a private key field: every writer
// of a key of 1024 bits puts the same number of bytes before it.
const modulusOffset = 11

// Salvage rebuilds a damaged private key of which the modulus and one prime
// are left. The modulus is looked for at its place in the field and then in
// spkis, the public keys that may belong to it; what is none is passed over.
// The prime is looked for at every position of the field. The modulus stays
// the same, so the cloud need not learn a new key.
//
// It also reads the shifted keys of system 0.1.1, which wrote each number at
// its natural size behind a header for its full one
// (redbear/firmware tag duo-v0.1.1, communication/src/dsakeygen.cpp:38-57).
//
// The error wraps ErrSalvage. The work is at most one division for each byte
// of the field and each modulus.
func Salvage(field []byte, spkis ...[]byte) (*PrivateKey, error) {
	return salvage(keyModuli([][]byte{field}, spkis), [][]byte{field})
}

// Salvage rebuilds the damaged key of the current copy from both copies: the
// modulus is one that the current copy names, in its private or in its public
// key, and the prime may come from either copy. Without a current copy every
// copy may name it. It never returns a key that only the other copy names:
// that one is had by Other. spkis are further public keys that may be the
// board's, such as the one that the cloud has.
func (s Sectors) Salvage(engine Engine, spkis ...[]byte) (*PrivateKey, error) {
	areas := s.areas(engine)
	named := areas
	if _, ok := s.Current(engine); ok {
		named = areas[:1]
	}
	private := fieldsOf(named, PrivateKeyOffset, PrivateKeyStored)
	public := fieldsOf(named, PublicKeyOffset, SPKILen)
	return salvage(keyModuli(private, append(public, spkis...)), fieldsOf(areas, PrivateKeyOffset, PrivateKeyReserved))
}

// fieldsOf returns one field of several areas.
func fieldsOf(areas []Area, offset, length int) [][]byte {
	var fields [][]byte
	for _, area := range areas {
		if field, ok := area.Field(offset, length); ok {
			fields = append(fields, field)
		}
	}
	return fields
}

// keyModuli returns what can be the modulus of a key, that of the private key
// fields first.
func keyModuli(fields, spkis [][]byte) []*big.Int {
	var moduli []*big.Int
	add := func(raw []byte) {
		n := new(big.Int).SetBytes(raw)
		if n.BitLen() == modulusBits && n.Bit(0) == 1 {
			moduli = append(moduli, n)
		}
	}
	for _, field := range fields {
		if len(field) >= modulusOffset+modulusLen {
			add(field[modulusOffset : modulusOffset+modulusLen])
		}
	}
	for _, spki := range spkis {
		if public, ok := ReadPublicKey(spki); ok {
			add(public[len(spkiHead) : len(spkiHead)+modulusLen])
		}
	}
	return moduli
}

// salvage looks in the fields for a prime of one of the moduli.
func salvage(moduli []*big.Int, fields [][]byte) (*PrivateKey, error) {
	if len(moduli) == 0 {
		return nil, fmt.Errorf("%w: its modulus is lost", ErrSalvage)
	}
	for _, n := range moduli {
		for _, field := range fields {
			if key := salvageFrom(field, n); key != nil {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: both of its primes are lost", ErrSalvage)
}

// salvageFrom returns the key with modulus n whose prime is somewhere in the
// field, and nil when none is.
func salvageFrom(field []byte, n *big.Int) *PrivateKey {
	p, q, rest := new(big.Int), new(big.Int), new(big.Int)
	for at := 0; at+primeLen <= len(field); at++ {
		window := field[at : at+primeLen]
		if window[0] < 0x80 || window[primeLen-1]&1 == 0 {
			continue // not an odd number of 512 bits
		}
		if q.QuoRem(n, p.SetBytes(window), rest); rest.Sign() != 0 {
			continue
		}
		if key, err := keyFromPrimes(p, q); err == nil && key.n.Cmp(n) == 0 {
			return key
		}
	}
	return nil
}

// keyFromPrimes computes a whole key. The larger prime comes first, as openssl
// writes it. The lost key may have had another exponent or order of the primes:
// it is the same key to a board and to the cloud.
func keyFromPrimes(p, q *big.Int) (*PrivateKey, error) {
	if p.Cmp(q) < 0 {
		p, q = q, p
	}
	// The Baillie-PSW test, which no composite number is known to pass.
	if !p.ProbablyPrime(0) || !q.ProbablyPrime(0) {
		return nil, fmt.Errorf("%w: a factor of the modulus is no prime", ErrKeyCorrupt)
	}
	one := big.NewInt(1)
	pMinus1, qMinus1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	d := new(big.Int).ModInverse(big.NewInt(exponent), new(big.Int).Mul(pMinus1, qMinus1))
	qinv := new(big.Int).ModInverse(q, p)
	if d == nil || qinv == nil {
		return nil, fmt.Errorf("%w: its primes allow no private exponent", ErrKeyCorrupt)
	}
	key := &PrivateKey{
		n: new(big.Int).Mul(p, q), d: d, p: new(big.Int).Set(p), q: new(big.Int).Set(q),
		dp: new(big.Int).Mod(d, pMinus1), dq: new(big.Int).Mod(d, qMinus1), qinv: qinv,
	}
	if err := key.check(); err != nil {
		return nil, err
	}
	return key, nil
}
