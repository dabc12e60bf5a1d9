package duo

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"duogateway/secret"
)

// ErrKeyFile is returned for a file that holds no private key of a kind that
// a board can have.
var ErrKeyFile = errors.New("not a private key file of a Duo")

// oidRSA is the content of the object identifier rsaEncryption.
const oidRSA = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"

// ImportPrivateKey reads a key file: PKCS#1 or PKCS#8, as DER or PEM, not
// encrypted. A dump of a board's key field is PKCS#1 with some bytes behind
// it and is read too. The error wraps ErrKeyFile.
func ImportPrivateKey(file []byte) (*PrivateKey, error) {
	unwrapped, err := UnwrapKeyFile(file)
	if err != nil {
		return nil, err
	}
	key, _, err := ReadPrivateKey(unwrapped.PKCS1.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return key, nil
}

// KeyFile is a key file without its wrappings.
type KeyFile struct {
	// PEM and PKCS8 say which wrappings there were.
	PEM, PKCS8 bool
	// PKCS1 is what was inside. It need not be a key: ReadPrivateKey tells.
	PKCS1 secret.Bytes
}

// UnwrapKeyFile takes PEM and PKCS#8 off a file. One with neither is returned
// as it is. The error, which wraps ErrKeyFile, is for PEM that is encrypted or
// holds no private key.
func UnwrapKeyFile(file []byte) (KeyFile, error) {
	der, err := keyDER(file)
	if err != nil {
		return KeyFile{}, err
	}
	unwrapped := KeyFile{PEM: isPEM(file), PKCS1: secret.Of(der)}
	if inner, ok := unwrapPKCS8(der); ok {
		unwrapped.PKCS8, unwrapped.PKCS1 = true, secret.Of(inner)
	}
	return unwrapped, nil
}

// ImportPublicKey reads the public key of a board: its 162-byte SPKI as DER or
// PEM, or a board's public key field. The error wraps ErrKeyFile.
func ImportPublicKey(file []byte) ([]byte, error) {
	der := file
	if block, _ := pem.Decode(file); block != nil {
		der = block.Bytes
	}
	spki, ok := ReadPublicKey(der)
	if !ok {
		return nil, fmt.Errorf("%w: no public key of 1024 bits", ErrKeyFile)
	}
	return spki, nil
}

func isPEM(file []byte) bool { return bytes.Contains(file, []byte("-----BEGIN ")) }

// keyDER returns the DER of a file: its first PEM block with a private key, or
// the file itself when it is not PEM.
func keyDER(file []byte) ([]byte, error) {
	if !isPEM(file) {
		return file, nil
	}
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
			return nil, fmt.Errorf("%w: it is encrypted", ErrKeyFile)
		case block.Type == "RSA PRIVATE KEY", block.Type == "PRIVATE KEY":
			return block.Bytes, nil
		}
	}
	return nil, fmt.Errorf("%w: no PEM block with an RSA private key", ErrKeyFile)
}

// unwrapPKCS8 returns the PKCS#1 key inside an RSA PrivateKeyInfo.
func unwrapPKCS8(der []byte) ([]byte, bool) {
	input := cryptobyte.String(der)
	var info, algorithm, oid, inner cryptobyte.String
	var version int
	ok := input.ReadASN1(&info, asn1.SEQUENCE) &&
		info.ReadASN1Integer(&version) && version == 0 &&
		info.ReadASN1(&algorithm, asn1.SEQUENCE) &&
		algorithm.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) && string(oid) == oidRSA &&
		info.ReadASN1(&inner, asn1.OCTET_STRING)
	return inner, ok
}
