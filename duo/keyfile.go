package duo

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
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
	der, err := keyDER(file)
	if err != nil {
		return nil, err
	}
	if inner, ok := unwrapPKCS8(der); ok {
		der = inner
	}
	key, _, err := ReadPrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return key, nil
}

// keyDER returns the DER of a file: its first PEM block with a private key, or
// the file itself when it is not PEM.
func keyDER(file []byte) ([]byte, error) {
	if !bytes.Contains(file, []byte("-----BEGIN ")) {
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
