package keystore_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"duogateway/job"
	"duogateway/keystore"
)

// P4: no part of a key or of a Wi-Fi secret is in any file of the store in the
// clear: not in a value, not in a page that is free again, not in what is left
// of a transaction that failed, and not in the index.
func TestNothingInTheClear(t *testing.T) {
	folder := t.TempDir()
	s, err := keystore.Open(folder, keystore.Options{Post: true})
	if err != nil {
		t.Fatal(err)
	}
	var secrets [][]byte
	for i := range 5 {
		r := record(device(i), i)
		raw := r.Raw.Reveal()
		secrets = append(secrets, raw[1000:1300], raw[blockAt:blockAt+keySize], raw[16<<10+blockAt:16<<10+blockAt+keySize])
		e := entry(fmt.Sprint("job-", i), job.Succeeded)
		e.Records = []job.KeyRecord{r}
		commit(t, s, e)
		if err := s.Commit(e); err == nil { // pages are written and given back
			t.Error("a final job was changed")
		}
		if letters, err := s.Outbox(9); err != nil {
			t.Error(err)
		} else if err := s.Delivered(letters[0].Number); err != nil {
			t.Error(err)
		}
		if _, err := s.Record(r.ContentID()); err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	searched := 0
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, s := range secrets {
			if form, at := find(text, s); form != "" {
				t.Errorf("%s holds byte %d of a secret on, %s", path, at, form)
			}
		}
		if at := compressed(text); at >= 0 {
			t.Errorf("%s holds a compressed text at %d", path, at)
		}
		searched += len(text)
		return err
	})
	if err != nil || searched < 30000 {
		t.Errorf("searched %d bytes, %v", searched, err)
	}
}

const window = 12 // bytes of a secret that no file holds by chance

// find looks for any part of a secret in a text, and tells in what form it is
// there.
func find(text, secret []byte) (form string, at int) {
	// The windows overlap: a part of twice the size is found wherever it begins.
	for at := 0; at+window <= len(secret); at += window / 2 {
		part := secret[at : at+window]
		for form, look := range map[string][]byte{
			"raw":                part,
			"as hex digits":      []byte(hex.EncodeToString(part)),
			"as HEX digits":      bytes.ToUpper([]byte(hex.EncodeToString(part))),
			"in base64":          []byte(base64.StdEncoding.EncodeToString(part)),
			"in base64, shifted": []byte(base64.StdEncoding.EncodeToString(part[1:10])),
			"in base64, twice":   []byte(base64.StdEncoding.EncodeToString(part[2:11])),
			"as numbers":         []byte(fmt.Sprintf("%d %d %d %d %d %d", part[0], part[1], part[2], part[3], part[4], part[5])),
		} {
			if bytes.Contains(text, look) {
				return form, at
			}
		}
	}
	return "", 0
}

// compressed looks for a text that gzip has made, and returns its place or -1.
func compressed(text []byte) int {
	for at := range text {
		if !bytes.HasPrefix(text[at:], []byte{0x1F, 0x8B, 8}) {
			continue
		}
		r, err := gzip.NewReader(bytes.NewReader(text[at:]))
		if err != nil {
			continue
		}
		if _, err := io.ReadFull(r, make([]byte, 100)); err == nil {
			return at
		}
	}
	return -1
}

func TestFind(t *testing.T) {
	raw, _ := dump(1)
	secret := raw[blockAt : blockAt+keySize]
	for name, text := range map[string]string{
		"raw": string(raw), "hex": hex.EncodeToString(raw), "base64": base64.StdEncoding.EncodeToString(raw),
		"base64 by one": base64.StdEncoding.EncodeToString(raw[1:]), "base64 by two": base64.StdEncoding.EncodeToString(raw[2:]),
		"printed": fmt.Sprint(raw), "a part": string(secret[100:120]),
	} {
		if form, _ := find([]byte(text), secret); form == "" {
			t.Errorf("%s: not found", name)
		}
	}
	var packed bytes.Buffer
	packed.WriteString("something else \x1f\x8b\x08")
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil || w.Close() != nil || compressed(packed.Bytes()) != 18 || compressed(raw) >= 0 {
		t.Errorf("compressed: found at %d and %d, %v", compressed(packed.Bytes()), compressed(raw), err)
	}
	other, _ := dump(2)
	if form, at := find(other, secret); form != "" {
		t.Errorf("found %s at %d where it is not", form, at)
	}
}
