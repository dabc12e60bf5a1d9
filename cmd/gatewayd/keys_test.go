package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/duo"
)

// files returns key, sound, in every sort of file.
func files(t *testing.T, key *duo.PrivateKey) map[string][]byte {
	t.Helper()
	board := area(t, key.Fixed().Reveal())
	copy(board[duo.PublicKeyOffset:], make([]byte, duo.PublicKeyReserved))
	copy(board[duo.PublicKeyOffset:], key.SPKI())
	backup := bytes.Repeat([]byte{0xFF}, 16350)
	copy(backup, board[duo.PrivateKeyOffset:])
	return map[string][]byte{
		"fixed":         key.Fixed().Reveal(),
		"PKCS#8":        key.PKCS8().Reveal(),
		"PEM":           key.PEM().Reveal(),
		"612 bytes":     board[34:646],
		"1216 bytes":    board[34:1250],
		"repair block":  board[34:2594],
		"16350 bytes":   backup,
		"area":          board,
		"sectors":       sectors(board),
		"raw backup":    append(make([]byte, duo.SectorSize), sectors(board)...),
		"PKCS#1 as DER": key.Minimal().Reveal(),
	}
}

func TestKeysCheck(t *testing.T) {
	key, other := newKey(t), newKey(t)
	own, foreign := saved(t, []byte(key.PublicPEM())), saved(t, other.SPKI())
	for name, file := range files(t, key) {
		t.Run(name, func(t *testing.T) {
			var report keyReport
			code, stdout, stderr := offline(t, "keys", "check", "--json", saved(t, file))
			if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != exitPass {
				t.Fatalf("exit code %d, %v, %s", code, err, stderr)
			}
			if !report.Sound || *report.Fingerprint != key.Fingerprint() || report.PublicFits != nil && !*report.PublicFits {
				t.Errorf("%s", stdout)
			}
			if hasPublic := len(file) >= 2560; hasPublic != (report.PublicFits != nil) {
				t.Errorf("compared with a public key: %v", report.PublicFits)
			}
			if code, stdout, stderr := offline(t, "keys", "check", saved(t, file), "--public", own); code != exitPass || !strings.Contains(stdout, "fits the public key  yes") {
				t.Errorf("with its public key: exit code %d, %s%s", code, stdout, stderr)
			}
			if code, _, stderr := offline(t, "keys", "check", saved(t, file), "--public", foreign); code != exitRejected {
				t.Errorf("with a foreign public key: exit code %d, %s", code, stderr)
			}
		})
	}
}

// A key that is not sound fails the check, and the report is there all the same.
func TestKeysCheckOfDamage(t *testing.T) {
	damaged := newKey(t).Fixed().Reveal()
	damaged[300] ^= 1
	for want, file := range map[string][]byte{
		"corrupt": damaged, "erased": duo.ResetBlob(), "zeroed": make([]byte, 612),
	} {
		code, stdout, stderr := offline(t, "keys", "check", saved(t, file))
		if code != exitFail || !strings.Contains(stdout, "private key  "+want) || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %s%s", want, code, stdout, stderr)
		}
		var report keyReport
		_, stdout, _ = offline(t, "keys", "check", "--json", saved(t, file))
		if err := json.Unmarshal([]byte(stdout), &report); err != nil || report.Sound || string(report.State) != want || report.Fingerprint != nil {
			t.Errorf("%s: %s", want, stdout)
		}
	}
}

func TestKeysConvert(t *testing.T) {
	key := newKey(t)
	pkcs1 := func(content []byte) bool {
		got, err := x509.ParsePKCS1PrivateKey(content)
		return err == nil && bytes.Equal(x509.MarshalPKCS1PrivateKey(got), key.Minimal().Reveal())
	}
	inPEM := func(kind string, content []byte) []byte {
		block, rest := pem.Decode(content)
		if block == nil || block.Type != kind || len(rest) > 0 {
			return nil
		}
		return block.Bytes
	}
	checks := map[string]func(content []byte) bool{
		"fixed":   func(content []byte) bool { return bytes.Equal(content, key.Fixed().Reveal()) },
		"minimal": pkcs1,
		"pem":     func(content []byte) bool { return pkcs1(inPEM("RSA PRIVATE KEY", content)) },
		"pkcs8": func(content []byte) bool {
			_, err := x509.ParsePKCS8PrivateKey(content)
			return err == nil
		},
		"public-pem": func(content []byte) bool { return bytes.Equal(inPEM("PUBLIC KEY", content), key.SPKI()) },
	}
	for name, file := range files(t, key) {
		for form, check := range checks {
			out := filepath.Join(t.TempDir(), "out")
			code, stdout, stderr := offline(t, "keys", "convert", saved(t, file), "--to", form, "--out", out)
			content, err := os.ReadFile(out)
			if code != exitPass || err != nil || !check(content) || !strings.Contains(stdout, key.Fingerprint()) {
				t.Errorf("%s to %s: exit code %d, %v, %s", name, form, code, err, stderr)
			}
		}
	}
	there := saved(t, []byte("a key of somebody"))
	if code, _, stderr := offline(t, "keys", "convert", saved(t, key.Fixed().Reveal()), "--to", "pem", "--out", there); code != exitInternal || !strings.Contains(stderr, "is there already") {
		t.Errorf("over a file: exit code %d, %s", code, stderr)
	}
	if code, _, _ := offline(t, "keys", "convert", saved(t, make([]byte, 612)), "--to", "pem", "--out", there+"2"); code != exitFail {
		t.Errorf("no key: exit code %d", code)
	}
}

func TestKeysSalvage(t *testing.T) {
	key, other := newKey(t), newKey(t)
	public, foreign := saved(t, key.SPKI()), saved(t, []byte(other.PublicPEM()))
	damage := func(file []byte, at, size int) string {
		file = bytes.Clone(file)
		for i := range size {
			file[at+i] ^= 0x5A
		}
		return saved(t, file)
	}
	all := files(t, key)
	noCopy := bytes.Clone(all["sectors"])
	noCopy[12] = 0
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"hole behind the modulus":     {[]string{damage(all["1216 bytes"], 139, 200)}, exitPass},
		"sound":                       {[]string{saved(t, all["16350 bytes"])}, exitPass},
		"modulus lost":                {[]string{damage(all["fixed"], 40, 1)}, exitFail},
		"modulus lost, public named":  {[]string{damage(all["fixed"], 40, 1), "--public", public}, exitPass},
		"modulus lost, public in it":  {[]string{damage(all["area"], 34+40, 1)}, exitPass},
		"in sectors":                  {[]string{damage(all["sectors"], duo.AreaStart+34+11, 100)}, exitPass},
		"no current copy":             {[]string{saved(t, noCopy)}, exitPass},
		"another board's public":      {[]string{saved(t, all["fixed"]), "--public", foreign}, exitRejected},
		"both primes lost":            {[]string{damage(all["fixed"], 300, 100)}, exitFail},
		"nothing there":               {[]string{saved(t, make([]byte, 612))}, exitFail},
		"no sectors with a DCT":       {[]string{saved(t, make([]byte, 2*duo.SectorSize))}, exitFail},
		"board without its DCT":       {[]string{saved(t, make([]byte, 16350))}, exitInternal},
		"nothing but server settings": {[]string{saved(t, all["area"][2082:]), "--offset", "2082"}, exitInternal},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			code, stdout, stderr := offline(t, append([]string{"keys", "salvage", "--out", out}, test.args...)...)
			content, err := os.ReadFile(out)
			if code != test.code || (err == nil) != (code == exitPass) {
				t.Fatalf("exit code %d, %v, %s", code, err, stderr)
			}
			if code != exitPass {
				return
			}
			salvaged, form, err := duo.ReadPrivateKey(content)
			if err != nil || form != duo.FormFixed || salvaged.Fingerprint() != key.Fingerprint() || !strings.Contains(stdout, key.Fingerprint()) {
				t.Errorf("form %q, %v: %s", form, err, stdout)
			}
			if name == "sound" && !bytes.Equal(content, key.Fixed().Reveal()) {
				t.Error("a sound key was changed")
			}
		})
	}
}

// P4: no command shows a prime, whatever becomes of the key.
func TestKeyCommandsNeverShowTheKey(t *testing.T) {
	key := newKey(t)
	fixed := key.Fixed().Reveal()
	for name, file := range files(t, key) {
		file := saved(t, file)
		for _, args := range [][]string{
			{"keys", "check", file}, {"keys", "check", "--json", file},
			{"keys", "convert", file, "--to", "pem", "--out", filepath.Join(t.TempDir(), "a")},
			{"keys", "convert", file, "--to", "pem", "--out", "/dev/stdout"},
			{"keys", "salvage", file, "--out", filepath.Join(t.TempDir(), "b")},
			{"dct", "fields", file}, {"dct", "fields", "--json", file}, {"dct", "diff", file, file},
		} {
			_, stdout, stderr := offline(t, args...)
			expectNoSecret(t, name+": "+strings.Join(args[:2], " "), stdout+stderr, fixed[279:343])
		}
	}
}
