package signature

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"duogateway/job"
	"duogateway/secret"
)

const (
	// audienceName is the member of a signed request that names the station:
	// RFC 7519, section 4.1.3.
	audienceName = "aud"

	// typeName is the type in the header of a signed request. It keeps a
	// signature that the same key made for something else from being taken for
	// one: RFC 8725, section 3.11.
	typeName = "duogateway-request"
)

// header is all that the header of a signed request may hold. There is no
// choice of algorithms, and nothing that brings a key along.
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

// verify checks a compact JWS. It gives what is signed, with an error too, if
// that can be read.
func (p Policy) verify(text string) (key Key, payload []byte, err error) {
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return Key{}, nil, err
	}
	claimed := signed.UnsafePayloadWithoutVerification()
	head, err := readHeader(text)
	if err != nil {
		return Key{}, claimed, fmt.Errorf("reading the header: %w", err)
	}
	i := slices.IndexFunc(p.Keys, func(k Key) bool { return k.ID == head.KeyID })
	if i < 0 {
		return Key{}, claimed, fmt.Errorf("there is no key %.64q", head.KeyID)
	}
	payload, err = signed.Verify(p.Keys[i].Public)
	if err != nil {
		return Key{}, claimed, err
	}
	return p.Keys[i], payload, nil
}

func readHeader(text string) (header, error) {
	var head header
	encoded, _, _ := strings.Cut(text, ".")
	plain, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return head, err
	}
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&head); err != nil {
		return head, err
	}
	if head.Type != typeName {
		return head, fmt.Errorf("typ %.64q: want %q", head.Type, typeName)
	}
	return head, nil
}

// Sign makes a signed request for one station.
func Sign(r job.Request, station, keyID string, key secret.Bytes) (string, error) {
	if r.NotAfter == nil {
		return "", errors.New("a signed request must say until when it holds")
	}
	if err := r.Check(); err != nil {
		return "", err
	}
	if len(key.Reveal()) != ed25519.PrivateKeySize {
		return "", errors.New("signing needs an Ed25519 private key")
	}
	payload, err := claims(r, station)
	if err != nil {
		return "", err
	}
	options := new(jose.SignerOptions).WithType(typeName).WithHeader("kid", keyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: ed25519.PrivateKey(key.Reveal())}, options)
	if err != nil {
		return "", fmt.Errorf("signing the request: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the request: %w", err)
	}
	return signed.CompactSerialize()
}

// claims is a request with the station that it is for.
func claims(r job.Request, station string) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	to, err := json.Marshal(station)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	delete(members, "source") // who sent it is for the station to say
	members[audienceName] = to
	return json.Marshal(members)
}
