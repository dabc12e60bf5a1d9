package duo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
)

// SPKILen is the length of a board's public key: a SubjectPublicKeyInfo of an
// RSA key of 1024 bits with exponent 65537.
const SPKILen = 162

const modulusLen = 128

// The firmware wraps a modulus with these fixed bytes
// (redbear/firmware communication/src/handshake.cpp:235-249).
const (
	spkiHead = "\x30\x81\x9f\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00" +
		"\x03\x81\x8d\x00\x30\x81\x89\x02\x81\x81\x00"
	spkiTail = "\x02\x03\x01\x00\x01"
)

// GenericPublicKey returns the public key (162-byte SPKI) that RedBear's
// provisioning tool sends for every board to let the cloud accept whatever key
// the board offers next. Nobody is known to hold its private half.
// Source: redbear/device-provisioning-helper main.js:14-19.
func GenericPublicKey() []byte {
	modulus, _ := hex.DecodeString(genericModulus)
	return spkiOf(modulus)
}

const genericModulus = "c12e203f5c84eacb07636b72767423cb7ea7148dd69c35a181cace97cf54c90b" +
	"2ab835252dafc454ec09163f77bf78f2a9e4b83fbc99c4068d59f203d1d50316" +
	"016ba91aacfe4bd0f1201c0221e557a2f644e9915167a9b476c0819d9dfa52e3" +
	"04daf052ef470beb2cdfbbbd5f4437868382e1cabf8636ca634520e4aa078151"

// spkiOf wraps a modulus of 128 bytes as the firmware does.
func spkiOf(modulus []byte) []byte {
	spki := make([]byte, 0, SPKILen)
	spki = append(spki, spkiHead...)
	spki = append(spki, modulus...)
	return append(spki, spkiTail...)
}

// ReadPublicKey returns a copy of the 162-byte SPKI at the start of a public
// key field, and false when there is none.
func ReadPublicKey(field []byte) (spki []byte, ok bool) {
	if len(field) < SPKILen {
		return nil, false
	}
	spki = field[:SPKILen]
	if !bytes.HasPrefix(spki, []byte(spkiHead)) || !bytes.HasSuffix(spki, []byte(spkiTail)) {
		return nil, false
	}
	return bytes.Clone(spki), true
}

// Fingerprint returns the SHA-256 of a SubjectPublicKeyInfo as 64 lower-case
// hex digits.
func Fingerprint(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:])
}

// PublicPEM returns a SubjectPublicKeyInfo as PEM text with 64-column lines
// and a final newline, the form that the cloud takes.
func PublicPEM(spki []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
}
