package duo

import (
	"bytes"
	"fmt"
	"math/big"
)

// A key of 1024 bits has 595 to 612 bytes as PKCS#1.
const (
	shortestKey = 595
	longestKey  = PrivateKeyStored
)

// ReadPrivateKey reads the PKCS#1 key at the start of field: one that a board
// wrote, whose integers are not minimal and which crypto/x509 rejects, or one
// that openssl wrote. What follows the key is ignored. Every relation between
// the numbers is checked.
//
// The error wraps ErrKeyCorrupt. A field that is erased or zeroed is corrupt
// too; ClassifyPrivateKey tells them apart.
func ReadPrivateKey(field []byte) (*PrivateKey, KeyForm, error) {
	key, der, err := walkPrivateKey(field)
	if err != nil {
		return nil, FormOther, err
	}
	if err := key.check(); err != nil {
		return nil, FormOther, err
	}
	return key, key.formOf(der), nil
}

// formOf says how der, which holds the key, writes it.
func (k *PrivateKey) formOf(der []byte) KeyForm {
	fixed, minimal := k.Fixed(), k.Minimal()
	defer fixed.Clear()
	defer minimal.Clear()
	switch {
	case bytes.Equal(der, fixed.Reveal()):
		return FormFixed
	case bytes.Equal(der, minimal.Reveal()):
		return FormMinimal
	}
	return FormOther
}

// walkPrivateKey reads the numbers and returns them with the bytes that hold
// them. It checks the structure, the version and the exponent only.
func walkPrivateKey(field []byte) (*PrivateKey, []byte, error) {
	if len(field) < 4 || field[0] != 0x30 || field[1] != 0x82 {
		return nil, nil, fmt.Errorf("%w: does not begin like a key", ErrKeyCorrupt)
	}
	size := 4 + int(field[2])<<8 + int(field[3])
	if size < shortestKey || size > longestKey || size > len(field) {
		return nil, nil, fmt.Errorf("%w: a length of %d", ErrKeyCorrupt, size)
	}
	rest := field[4:size]
	var numbers [9]*big.Int
	for i := range numbers {
		value, after, ok := derInteger(rest)
		if !ok {
			return nil, nil, fmt.Errorf("%w: number %d cannot be read", ErrKeyCorrupt, i+1)
		}
		numbers[i], rest = value, after
	}
	if len(rest) != 0 {
		return nil, nil, fmt.Errorf("%w: %d bytes too many", ErrKeyCorrupt, len(rest))
	}
	if numbers[0].Sign() != 0 || numbers[2].Cmp(big.NewInt(exponent)) != 0 {
		return nil, nil, fmt.Errorf("%w: wrong version or exponent", ErrKeyCorrupt)
	}
	return &PrivateKey{
		n: numbers[1], d: numbers[3], p: numbers[4], q: numbers[5],
		dp: numbers[6], dq: numbers[7], qinv: numbers[8],
	}, field[:size], nil
}

// derInteger reads one INTEGER that is not negative and returns what follows
// it. Superfluous leading zeros are accepted, and so are lengths in a longer
// form than needed.
func derInteger(b []byte) (value *big.Int, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != 0x02 {
		return nil, nil, false
	}
	size, head := int(b[1]), 2
	switch {
	case size == 0x81 && len(b) >= 3:
		size, head = int(b[2]), 3
	case size == 0x82 && len(b) >= 4:
		size, head = int(b[2])<<8+int(b[3]), 4
	case size >= 0x80:
		return nil, nil, false
	}
	if size == 0 || size > len(b)-head || b[head] >= 0x80 {
		return nil, nil, false
	}
	return new(big.Int).SetBytes(b[head : head+size]), b[head+size:], true
}
