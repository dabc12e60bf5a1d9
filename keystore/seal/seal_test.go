package seal_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"duogateway/keystore/seal"
	"duogateway/secret"
)

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

func newSealer(t *testing.T, escrow ...string) *seal.Sealer {
	t.Helper()
	s, err := seal.Create(filepath.Join(t.TempDir(), "identity"), escrow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each escrow key opens a record without the station, with age itself; a key
// that is none of them does not. // P4
func TestEscrowOpensByAge(t *testing.T) {
	first, second, stranger := newIdentity(t), newIdentity(t), newIdentity(t)
	s := newSealer(t, first.Recipient().String(), second.Recipient().String())
	sealed, err := s.Seal(secret.Of([]byte("a private key")))
	if err != nil {
		t.Fatal(err)
	}
	for _, identity := range []*age.X25519Identity{first, second} {
		r, err := age.Decrypt(bytes.NewReader(sealed), identity)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(r); err != nil || string(plain) != "a private key" {
			t.Errorf("an escrow key read %q, %v", plain, err)
		}
	}
	if _, err := age.Decrypt(bytes.NewReader(sealed), stranger); err == nil {
		t.Error("a stranger opened it")
	}
	if _, err := newSealer(t).Open(sealed); err == nil {
		t.Error("another station opened it")
	}
	if plain, err := s.Open(sealed); err != nil || string(plain.Reveal()) != "a private key" {
		t.Errorf("the station itself could not: %v", err)
	}
}

// The age program of the distribution is what a person has at hand.
func TestEscrowOpensByTheProgram(t *testing.T) {
	program, err := exec.LookPath("age")
	if err != nil {
		t.Skip("the program age is not installed")
	}
	escrow := newIdentity(t)
	sealed, err := newSealer(t, escrow.Recipient().String()).Seal(secret.Of([]byte("a private key")))
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "escrow")
	if err := os.WriteFile(key, []byte(escrow.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-d", "-i", key)
	command.Stdin = bytes.NewReader(sealed)
	if plain, err := command.CombinedOutput(); err != nil || string(plain) != "a private key" {
		t.Errorf("age says %q, %v", plain, err)
	}
}

func TestEscrowIsChecked(t *testing.T) {
	good := newIdentity(t).Recipient().String()
	path := filepath.Join(t.TempDir(), "identity")
	if _, err := seal.Create(path, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{good, true},
		{"", false},
		{" " + good, false},
		{strings.ToUpper(good), false},
		{good[:len(good)-1], false},
		{"age1" + strings.Repeat("q", 58), false},
		{"ssh-ed25519 AAAA", false},
		{"age1pq1" + strings.Repeat("q", 100), false},
	} {
		_, loading := seal.Load(path, []string{c.text})
		for what, err := range map[string]error{"checking": seal.CheckRecipient(c.text), "loading": loading} {
			if (err == nil) != c.ok {
				t.Errorf("%s %q: %v", what, c.text, err)
			}
		}
	}
}

// P4: whoever puts the private half of an escrow key where the public one
// belongs does not find it in the log.
func TestEscrowErrorsShowNoPrivateKey(t *testing.T) {
	private := newIdentity(t).String()
	path := filepath.Join(t.TempDir(), "identity")
	if _, err := seal.Create(path, nil); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{private, strings.ToLower(private), " " + private, "age1" + private} {
		_, loading := seal.Load(path, []string{text})
		_, making := seal.Create(path+"2", []string{text})
		for _, err := range []error{loading, making, seal.CheckRecipient(text)} {
			if err == nil {
				t.Errorf("%.8s... is taken for a recipient", text)
			} else if strings.Contains(strings.ToUpper(err.Error()), private[15:]) {
				t.Errorf("the error shows the key: %v", err)
			}
		}
	}
}

// Whatever is sealed comes out again, does not show in the sealed bytes, and
// is sealed anew each time. // P4
func TestSealing(t *testing.T) {
	s := newSealer(t, newIdentity(t).Recipient().String())
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 500).Draw(t, "plain")
		sealed, err := s.Seal(secret.Of(bytes.Clone(plain)))
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) >= 8 && bytes.Contains(sealed, plain[:8]) {
			t.Fatal("the sealed bytes show the plain ones")
		}
		opened, err := s.Open(sealed)
		if err != nil || !bytes.Equal(opened.Reveal(), plain) {
			t.Fatalf("opened %d of %d bytes, %v", opened.Len(), len(plain), err)
		}
		again, err := s.Seal(secret.Of(plain))
		if err != nil || bytes.Equal(again, sealed) {
			t.Fatalf("sealed twice it looks the same, %v", err)
		}
	})
}

// A sealed record that was changed in any place, cut or lengthened does not
// open, not even in part. // P4
func TestTamperedDoesNotOpen(t *testing.T) {
	s := newSealer(t)
	plain := make([]byte, 100)
	_, _ = rand.Read(plain)
	sealed, err := s.Seal(secret.Of(plain))
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, at int, bytes []byte) {
		if opened, err := s.Open(bytes); err == nil || opened.Len() != 0 {
			t.Errorf("%s at %d of %d opens %d bytes, %v", what, at, len(sealed), opened.Len(), err)
		}
	}
	for at := range sealed {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1 << (at % 8)
		refuse("a changed bit", at, changed)
		refuse("a cut", at, sealed[:at])
	}
	refuse("a byte too many", len(sealed), append(bytes.Clone(sealed), 0))
}

func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "identity")
	s, err := seal.Create(path, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(nil))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 "))
	f.Add([]byte("age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 15\nZV/AhotwSGqaPCU43cepl4WYUouAa17a3xpu4G2yi5k\n--- fgMiVLJHMlg9fW7CVG/hPS5EAU4Zeg19LyCP7SoH5nA\n"))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if opened, err := s.Open(sealed); err == nil || opened.Len() != 0 {
			t.Errorf("what nobody sealed opens %d bytes, %v", opened.Len(), err)
		}
	})
}
