package main

import (
	"bytes"
	"errors"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/secret"
)

// keysConvertCmd is `gatewayd keys convert`.
type keysConvertCmd struct {
	keyFileFlags
	To  string `required:"" enum:"fixed,minimal,pem,pkcs8,public-pem" help:"fixed: the 611 bytes that every board reads. minimal: PKCS#1 DER. pem: PKCS#1 PEM. pkcs8: PKCS#8 DER. public-pem: the public key for the cloud."`
	Out string `required:"" placeholder:"FILE" help:"The file to write. It must not be there yet; only its owner may read it."`
}

// Run writes the key in another form.
func (c keysConvertCmd) Run(env environment) error {
	found, err := c.open()
	if err != nil {
		return err
	}
	defer found.clear()
	key, _, err := duo.ReadPrivateKey(found.field.Reveal())
	if err != nil {
		return job.Failf(job.KeyDamaged, "%s: %w; gatewayd keys salvage may mend it", c.File, err)
	}
	defer key.Clear()
	return writeKey(env, key, c.To, c.Out)
}

// keysSalvageCmd is `gatewayd keys salvage`.
type keysSalvageCmd struct {
	keyFileFlags
	Public string `placeholder:"FILE" help:"The public key of the board, DER or PEM, as the cloud has it: only that key is salvaged."`
	To     string `enum:"fixed,minimal,pem,pkcs8" default:"fixed" help:"As for convert: fixed, minimal, pem or pkcs8."`
	Out    string `required:"" placeholder:"FILE" help:"The file to write. It must not be there yet; only its owner may read it."`
}

// Run rebuilds the key and writes it.
func (c keysSalvageCmd) Run(env environment) error {
	public, err := readPublic(c.Public)
	if err != nil {
		return err
	}
	found, err := c.open()
	if err != nil {
		return err
	}
	defer found.clear()
	key, err := found.salvage(c.engine(), public)
	if errors.Is(err, duo.ErrSalvage) {
		return job.Failf(job.KeyDamaged, "%s: %w", c.File, err)
	}
	if err != nil {
		return err
	}
	defer key.Clear()
	if public != nil && !bytes.Equal(public, key.SPKI()) {
		return job.Failf(job.KeyOfOtherBoard, "%s: a key could be salvaged, but not that of %s", c.File, c.Public)
	}
	return writeKey(env, key, c.To, c.Out)
}

// writeKey writes a key in a form to a new file, and says which key it is.
func writeKey(env environment, key *duo.PrivateKey, form, out string) error {
	content := keyForm(key, form)
	defer content.Clear()
	if err := writeNewFile(out, content.Reveal()); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.stdout, "wrote %s: %d bytes, %s, key %s\n", out, content.Len(), form, key.Fingerprint())
	return err
}

// keyForm returns a key in the form of --to.
func keyForm(key *duo.PrivateKey, form string) secret.Bytes {
	switch form {
	case "minimal":
		return key.Minimal()
	case "pem":
		return key.PEM()
	case "pkcs8":
		return key.PKCS8()
	case "public-pem":
		return secret.Of([]byte(key.PublicPEM()))
	}
	return key.Fixed()
}
