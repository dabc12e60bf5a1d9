package cli_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"duogateway/keystore"
)

// secretWords stand in a part of every board's DCT of which the station knows
// nothing; it may hold anything, and must be kept as well as the keys.
const secretWords = "correct horse battery staple of this board"

// wordsOffset is where, counted from the application DCT.
const wordsOffset = 4000

// window is how many bytes of a secret in a row are a leak.
const window = 16

// forms are the ways in which bytes may show themselves in a text or a file.
// Each tells what to search for to find a part of window bytes.
var forms = map[string]func(part []byte) [][]byte{
	"raw": func(part []byte) [][]byte { return [][]byte{part} },
	"hex": func(part []byte) [][]byte { return [][]byte{hexText(part, "%x")} },
	"HEX": func(part []byte) [][]byte { return [][]byte{hexText(part, "%X")} },
	"spaced hex": func(part []byte) [][]byte {
		return [][]byte{hexText(part, "% x"), hexText(part, "% X"), bytes.ReplaceAll(hexText(part, "% x"), []byte(" "), []byte(":"))}
	},
	"decimal": func(part []byte) [][]byte {
		text := bytes.Trim(fmt.Append(nil, part), "[]")
		return [][]byte{text, bytes.ReplaceAll(text, []byte(" "), []byte(",")), bytes.ReplaceAll(text, []byte(" "), []byte(", "))}
	},
	// 15 bytes are 20 letters wherever they stand in what is encoded, as long
	// as their place is a multiple of three: the windows go over all places.
	"base64": func(part []byte) [][]byte {
		return [][]byte{[]byte(base64.StdEncoding.EncodeToString(part[:15])), []byte(base64.URLEncoding.EncodeToString(part[:15]))}
	},
}

func hexText(part []byte, format string) []byte { return fmt.Appendf(nil, format, part) }

// leak says how a secret shows in a content; it is empty when none does.
func leak(content []byte, secrets map[string][]byte) string {
	for name, value := range secrets {
		for i := 0; i+window <= len(value); i++ {
			for form, write := range forms {
				for _, needle := range write(value[i : i+window]) {
					if bytes.Contains(content, needle) {
						return fmt.Sprintf("%s, in the form %s, from byte %d", name, form, i)
					}
				}
			}
		}
	}
	return ""
}

// secretsOf are the parts of a private key, and what else must not be seen.
func secretsOf(keys [][]byte) (map[string][]byte, error) {
	secrets := map[string][]byte{"the words in the DCT": []byte(secretWords), "an age identity": []byte("AGE-SECRET-KEY-1")}
	for i, der := range keys {
		key, err := parseKey(der)
		if err != nil {
			return nil, err
		}
		for name, part := range map[string][]byte{
			"d": key.D.Bytes(), "p": key.Primes[0].Bytes(), "q": key.Primes[1].Bytes(),
			"dP": key.Precomputed.Dp.Bytes(), "dQ": key.Precomputed.Dq.Bytes(), "qInv": key.Precomputed.Qinv.Bytes(),
		} {
			secrets[fmt.Sprintf("%s of key %d", name, i+1)] = part
		}
	}
	return secrets, nil
}

// findSecrets searches everything that the programs have left in the place:
// logs, store, configuration, runtime folder. The keys that a script made, and
// the file that is the identity, are where they may be. // P4
func (p *place) findSecrets() error {
	secrets, err := secretsOf(p.keys)
	if err != nil {
		return err
	}
	var found []error
	err = filepath.WalkDir(p.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || mayHoldSecrets(path) {
			return err
		}
		content, err := os.ReadFile(path)
		if how := leak(content, secrets); how != "" {
			found = append(found, fmt.Errorf("%s shows %s", path, how))
		}
		return err
	})
	return errors.Join(append(found, err)...)
}

func mayHoldSecrets(path string) bool {
	return slices.Contains([]string{".der", ".pem"}, filepath.Ext(path)) || filepath.Base(path) == keystore.IdentityFile
}

// The search finds what it is there to find, wherever it stands.
func TestLeakIsFound(t *testing.T) {
	value := []byte("0123456789abcdefghijklmnopqrstuv")
	secrets := map[string][]byte{"x": value}
	for shift := range 4 {
		around := slices.Concat([]byte("zzzz")[:shift], value[shift:shift+24], []byte("zz"))
		for name, text := range map[string]string{
			"raw": string(around), "hex": hex.EncodeToString(around), "HEX": strings.ToUpper(hex.EncodeToString(around)), "spaced": fmt.Sprintf("% x", around),
			"decimal": fmt.Sprint(around), "list": strings.ReplaceAll(fmt.Sprint(around), " ", ","),
			"base64": base64.StdEncoding.EncodeToString(around), "base64 for URLs": base64.RawURLEncoding.EncodeToString(around),
		} {
			if leak([]byte("before "+text+" behind"), secrets) == "" {
				t.Errorf("%s, shifted by %d, is not found in %q", name, shift, text)
			}
		}
	}
	if how := leak([]byte("0123456789abcde, and other things 9876543210"), secrets); how != "" {
		t.Errorf("found by mistake: %s", how)
	}
}

// parseKey reads a key as openssl writes it, PKCS #1 or PKCS #8.
func parseKey(der []byte) (*rsa.PrivateKey, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading a key of the test: %w", err)
	}
	return key.(*rsa.PrivateKey), nil
}
