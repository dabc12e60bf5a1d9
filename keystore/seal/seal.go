// Package seal encrypts what the store keeps: to the identity of this station
// and to the escrow recipients, so that a record can be opened here, or by
// whoever holds an escrow key when this station is gone.
//
// It is a thin layer over age. It knows no database and no board.
package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/google/renameio/v2"

	"duogateway/secret"
)

// Sealer seals and opens records.
type Sealer struct {
	identity   *age.X25519Identity
	recipients []age.Recipient
}

// Load reads the identity of the station from a file. It fails with
// fs.ErrNotExist when there is none. Escrow recipients are age X25519 public
// keys ("age1...").
func Load(path string, escrow []string) (*Sealer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the station identity: %w", err)
	}
	defer clear(text)
	if err := checkMode(path); err != nil {
		return nil, err
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("station identity %s: it is not an age X25519 identity", path)
	}
	return with(identity, escrow)
}

// Create makes a new identity and writes it to a file that only its owner may
// read. The file and its folder are on the disk when Create returns. What is
// there already is left alone, and the error is fs.ErrExist.
func Create(path string, escrow []string) (*Sealer, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("making a station identity: %s: %w", path, fs.ErrExist)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("making a station identity: %w", err)
	}
	s, err := with(identity, escrow)
	if err != nil {
		return nil, err
	}
	if err := write(path, identity); err != nil {
		return nil, err
	}
	return s, nil
}

// write keeps the half-written file in the folder of the identity, which is
// the owner's alone; renameio would prefer that of temporary files. // P4
func write(path string, identity *age.X25519Identity) error {
	folder := filepath.Dir(path)
	if err := renameio.WriteFile(path, []byte(identity.String()+"\n"), 0o600, renameio.WithTempDir(folder)); err != nil {
		return fmt.Errorf("writing the station identity: %w", err)
	}
	if err := SyncFolder(folder); err != nil {
		return fmt.Errorf("writing the station identity: %w", err)
	}
	return nil
}

func with(identity *age.X25519Identity, escrow []string) (*Sealer, error) {
	s := &Sealer{identity: identity, recipients: []age.Recipient{identity.Recipient()}}
	for _, text := range escrow {
		recipient, err := parseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("escrow recipient %w", err)
		}
		s.recipients = append(s.recipients, recipient)
	}
	return s, nil
}

// CheckRecipient refuses what is not an escrow recipient.
func CheckRecipient(text string) error {
	_, err := parseRecipient(text)
	return err
}

// parseRecipient does not repeat in its error what may be a private key. // P4
func parseRecipient(text string) (age.Recipient, error) {
	recipient, err := age.ParseX25519Recipient(text)
	if err == nil {
		return recipient, nil
	}
	if strings.Contains(strings.ToUpper(text), "AGE-SECRET-KEY") {
		text = "(a private key)"
	}
	return nil, fmt.Errorf("%q: want an age X25519 public key (age1...)", text)
}

func checkMode(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading the station identity: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("station identity %s: others may read it (mode %04o): run chmod 600 on it", path, info.Mode().Perm())
	}
	return nil
}

// Seal encrypts plain to the station and to every escrow recipient.
func (s *Sealer) Seal(plain secret.Bytes) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, s.recipients...)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if _, err := w.Write(plain.Reveal()); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return sealed.Bytes(), nil
}

// Open decrypts what Seal made.
func (s *Sealer) Open(sealed []byte) (secret.Bytes, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), s.identity)
	if err != nil {
		return secret.Bytes{}, fmt.Errorf("opening a sealed record: %w", err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return secret.Bytes{}, fmt.Errorf("opening a sealed record: %w", err)
	}
	return secret.Of(plain), nil
}

// SyncFolder puts the names in a folder on the disk.
func SyncFolder(path string) (err error) {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	return folder.Sync()
}
