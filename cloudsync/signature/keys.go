package signature

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"

	"duogateway/secret"
)

// The errors of this file do not repeat what was given: it may be a private key
// in the wrong place. // P4
var (
	errNoPublic  = errors.New("want an Ed25519 public key: PEM, or its 32 bytes in base64")
	errNoPrivate = errors.New("want an Ed25519 private key in PEM, as `openssl genpkey -algorithm ed25519` makes it")
	errPrivate   = errors.New("this is a private key; want the public one, and keep the private one away from stations")
)

// ReadPublic reads a public key: PEM, or its 32 bytes in base64.
func ReadPublic(text string) (ed25519.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	switch {
	case strings.Contains(text, "PRIVATE"):
		return nil, errPrivate
	case block == nil:
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, errNoPublic
		}
		return key, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if key, ok := parsed.(ed25519.PublicKey); ok && err == nil {
		return key, nil
	}
	return nil, errNoPublic
}

// ReadPrivate reads a private key: PEM of PKCS #8, not encrypted.
func ReadPrivate(text secret.Bytes) (secret.Bytes, error) {
	block, _ := pem.Decode(text.Reveal())
	if block == nil {
		return secret.Bytes{}, errNoPrivate
	}
	defer clear(block.Bytes)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(ed25519.PrivateKey); ok && err == nil {
		return secret.Of(key), nil
	}
	return secret.Bytes{}, errNoPrivate
}
