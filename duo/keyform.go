package duo

import (
	"encoding/pem"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"duogateway/secret"
)

// FixedKeyLen is the length of a private key in the fixed form.
const FixedKeyLen = 611

// KeyForm is how a sound private key is written down.
type KeyForm string

const (
	// FormFixed: every number at its full width, always 611 bytes. A board
	// writes this, and every board reads it.
	FormFixed KeyForm = "fixed"
	// FormMinimal: ordinary DER, as openssl and Go write. About one such key
	// in 25 to 100 is misread by a board.
	FormMinimal KeyForm = "minimal"
	// FormOther: neither, with some superfluous zeros.
	FormOther KeyForm = ""
)

// Fixed returns the 611 bytes that a board would have written: PKCS#1 with
// fixed widths N 129, e 3, D 129 and 65 for each of the others, leading zeros
// included even where DER forbids them
// (redbear/firmware communication/src/dsakeygen.cpp:133-175).
func (k *PrivateKey) Fixed() secret.Bytes {
	der := make([]byte, 0, FixedKeyLen)
	der = append(der, 0x30, 0x82, 0x02, 0x5F, 0x02, 0x01, 0x00)
	for i, x := range k.numbers() {
		width := primeLen
		if i < 2 {
			width = modulusLen
			der = append(der, 0x02, 0x81, byte(width+1), 0x00)
		} else {
			der = append(der, 0x02, byte(width+1), 0x00)
		}
		der = append(der, x.FillBytes(make([]byte, width))...)
		if i == 0 {
			der = append(der, 0x02, 0x03, 0x01, 0x00, 0x01)
		}
	}
	return secret.Of(der)
}

// Minimal returns the key as ordinary PKCS#1 DER, for other tools. It must
// not be written to a board.
func (k *PrivateKey) Minimal() secret.Bytes {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		for i, x := range k.numbers() {
			b.AddASN1BigInt(x)
			if i == 0 {
				b.AddASN1Int64(exponent)
			}
		}
	})
	return secret.Of(b.BytesOrPanic())
}

// PEM returns the minimal form as PEM text, RSA PRIVATE KEY, for other tools.
func (k *PrivateKey) PEM() secret.Bytes {
	minimal := k.Minimal()
	defer minimal.Clear()
	return secret.Of(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: minimal.Reveal()}))
}

// PKCS8 returns the key as PKCS#8 DER, for other tools. A board reads nothing
// of that.
func (k *PrivateKey) PKCS8() secret.Bytes {
	minimal := k.Minimal()
	defer minimal.Clear()
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oidRSA)) })
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(minimal.Reveal())
	})
	return secret.Of(b.BytesOrPanic())
}
