package duo

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/bits"
)

// ServerKeyLen is the length of a server key: a SubjectPublicKeyInfo of an
// RSA key of 2048 bits with exponent 65537.
const ServerKeyLen = 294

// The bytes around the modulus of every server key
// (redbear/firmware communication/src/handshake.cpp:117-133 reads the modulus
// at offset 33 and takes the exponent for granted).
const (
	serverKeyHead = "\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00" +
		"\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00"
	serverKeyTail = "\x02\x03\x01\x00\x01"
)

// ErrServerKey is returned for bytes that are not a server key.
var ErrServerKey = errors.New("not a server key: want an RSA public key of 2048 bits as a 294-byte SubjectPublicKeyInfo")

// ParticleServerKey returns the public key of Particle's device service
// (294-byte SPKI, SHA-256
// aa8aba3c973ed4b668999047a09597948f36eefde525352e705fe8ef98c1677e).
// Source: particle-iot/particle-cli assets/keys/rsa.pub.der, first 294 bytes;
// the same in redbear/Duo firmware/dct/server_public_key.der.
func ParticleServerKey() []byte {
	modulus, _ := hex.DecodeString(particleModulus)
	key := append([]byte(serverKeyHead), modulus...)
	return append(key, serverKeyTail...)
}

const particleModulus = "beccbe43db8eea1527a6bb526de1512ba0abcca1647748ad7c66fc807ff699a5" +
	"25f2f2dae043cf3a26a49ba187030e9a8d239abcea99ea68d35a14b1260fbdaa" +
	"6d6f0cacc4772cd1c5c8b1d17b68e025737b52896820bd06c6f0e60030c0e0cf" +
	"f61b3a45e9c45b551706a3d34ac6d5b8d21702b5277d8de4d47dd3edc01d8a7c" +
	"251e214a51ae5706dd60bca13490aacc099e3b3a414c3c9df3fdfdb727c15981" +
	"9854604a627aa49abfdf921b3efca7e4a4b33a9a5f57938eeb196495224a2cd5" +
	"60f5f9d003508369c06b53f0f0daf813821fccbb5fe2c1df3ae97f5de27db950" +
	"803c5833ef8cf3803f1101d268865f3c5ee6c18e322b28cbb5cc1ba8505ea70d"

// ServerKeyState is what a server key field holds.
type ServerKeyState string

const (
	// ServerKeyParticle: the key of Particle's device service.
	ServerKeyParticle ServerKeyState = "particle"
	// ServerKeyCustom: a well-formed key of somebody else.
	ServerKeyCustom ServerKeyState = "custom"
	// ServerKeyErased: system 0.3.2 and later falls back to a built-in copy of
	// Particle's key, older ones cannot connect.
	ServerKeyErased ServerKeyState = "erased"
	// ServerKeyCorrupt: neither erased nor a key, or Particle's with some bits
	// changed.
	ServerKeyCorrupt ServerKeyState = "corrupt"
)

// ReadServerKey classifies a server key field of at least ServerKeyLen bytes.
// spki is a copy of the key, or nil when it is erased or corrupt.
func ReadServerKey(field []byte) (state ServerKeyState, spki []byte) {
	if len(field) > 0 && field[0] == 0xFF {
		return ServerKeyErased, nil
	}
	if len(field) < ServerKeyLen || !isServerKey(field[:ServerKeyLen]) {
		return ServerKeyCorrupt, nil
	}
	spki = bytes.Clone(field[:ServerKeyLen])
	switch n := distance(spki, ParticleServerKey()); {
	case n == 0:
		return ServerKeyParticle, spki
	case n < leastDistance:
		return ServerKeyCorrupt, nil
	}
	return ServerKeyCustom, spki
}

// leastDistance is in how many bits the key of somebody else differs from
// Particle's at least. Of the 2048 bits of two moduli about half differ; that
// fewer than a quarter do has no chance.
const leastDistance = 512

// distance counts the bits in which two keys of one length differ.
func distance(a, b []byte) (n int) {
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}

func isServerKey(spki []byte) bool {
	return bytes.HasPrefix(spki, []byte(serverKeyHead)) && bytes.HasSuffix(spki, []byte(serverKeyTail))
}
