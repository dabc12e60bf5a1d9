package seal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/sys/unix"

	"duogateway/keystore/seal"
	"duogateway/secret"
)

// An identity that was made is found again, and opens what was sealed before.
func TestCreateThenLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	made, err := seal.Create(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := made.Seal(secret.Of([]byte("a key")))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := seal.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := loaded.Open(sealed); err != nil || string(plain.Reveal()) != "a key" {
		t.Errorf("opened %d bytes, %v", plain.Len(), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the identity has the mode %v, %v", info.Mode(), err)
	}
	if names := list(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("the folder holds %v", names)
	}
}

func list(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// An identity that is there stays: what was sealed to it must stay readable. // P5
func TestCreateOverwritesNothing(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"file":          func(path string) error { return os.WriteFile(path, []byte("anything"), 0o644) },
		"dangling link": func(path string) error { return os.Symlink("nowhere", path) },
		"folder":        func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "identity")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(path)
			if _, err := seal.Create(path, nil); !errors.Is(err, fs.ErrExist) {
				t.Errorf("got %v", err)
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) || after.Size() != before.Size() {
				t.Errorf("what was there has changed: %v", err)
			}
		})
	}
}

// P4: the new identity never stands in another folder than its own, for
// example in that of temporary files.
func TestCreateWritesInItsFolderOnly(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", elsewhere)
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Skipf("folders cannot be watched here: %v", err)
	}
	defer func() { _ = unix.Close(watch) }()
	if _, err := unix.InotifyAddWatch(watch, elsewhere, unix.IN_ALL_EVENTS); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Create(filepath.Join(folder, "identity"), nil); err != nil {
		t.Fatal(err)
	}
	var events [4096]byte
	if n, err := unix.Read(watch, events[:]); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("%d bytes of events, %v, in the folder of temporary files: %q", n, err, events[:max(n, 0)])
	}
}

func TestCreateFails(t *testing.T) {
	folder := t.TempDir()
	for name, path := range map[string]string{
		"no folder":     filepath.Join(folder, "missing", "identity"),
		"name too long": filepath.Join(folder, strings.Repeat("x", 300)),
	} {
		if s, err := seal.Create(path, nil); err == nil || s != nil {
			t.Errorf("%s: no error", name)
		}
	}
	path := filepath.Join(folder, "identity")
	if _, err := seal.Create(path, []string{"age1x"}); err == nil {
		t.Error("a wrong escrow recipient is not refused")
	}
	if names := list(t, folder); len(names) != 0 {
		t.Errorf("what failed left %v", names)
	}
}

func TestLoadFindsNothing(t *testing.T) {
	if _, err := seal.Load(filepath.Join(t.TempDir(), "identity"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// P4: an identity that others may read is refused.
func TestLoadWantsAModeForTheOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	if _, err := seal.Create(path, nil); err != nil {
		t.Fatal(err)
	}
	for mode, ok := range map[fs.FileMode]bool{0o600: true, 0o400: true, 0o700: true, 0o640: false, 0o604: false, 0o610: false, 0o602: false, 0o666: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := seal.Load(path, nil)
		if (err == nil) != ok {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if err != nil && !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: the error does not help: %v", mode, err)
		}
	}
}

// P4: what stands in a file that is no identity is not told: it may be a
// damaged one.
func TestLoadKeepsBadTextToItself(t *testing.T) {
	good, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	text := good.String()
	for name, bad := range map[string]string{
		"empty":           "",
		"blank":           " \n\n",
		"other text":      "AGE-SECRET-WORD",
		"cut short":       text[:len(text)-1],
		"a digit changed": text[:40] + flip(text[40]) + text[41:],
		"two":             text + "\n" + text,
		"lower case half": text[:40] + strings.ToLower(text[40:]),
		"a NUL":           text + "\x00",
		"the public key":  good.Recipient().String(),
	} {
		path := filepath.Join(t.TempDir(), "identity")
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := seal.Load(path, nil)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: it counts as missing: %v", name, err)
		}
		for i := 0; i+8 <= len(bad); i++ {
			if part := bad[i : i+8]; strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error shows %q: %v", name, part, err)
				break
			}
		}
	}
}

// flip changes a letter of the alphabet of an identity into another.
func flip(letter byte) string {
	if letter == 'Q' {
		return "P"
	}
	return "Q"
}

func TestSyncFolder(t *testing.T) {
	folder := t.TempDir()
	if err := seal.SyncFolder(folder); err != nil {
		t.Error(err)
	}
	if err := seal.SyncFolder(filepath.Join(folder, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
