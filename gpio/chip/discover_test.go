package chip

import (
	"bytes"
	"errors"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A machine without the chip that is asked for says which ones it has.
func TestNoSuchChip(t *testing.T) {
	if _, err := OpenPin("no such chip", "GPIO17"); err == nil || !strings.Contains(err.Error(), "gpiodetect") {
		t.Errorf("got %v", err)
	}
	if _, err := OpenInput("no such chip", "GPIO17"); err == nil {
		t.Error("an input was found")
	}
	if err := SelfTest("no such chip", "GPIO17"); err == nil {
		t.Error("a line was tried")
	}
}

func TestUnopened(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"gpiochip0", "gpiochip1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pattern := filepath.Join(dir, "gpiochip*")
	if err := unopened(pattern, nil); err != nil {
		t.Errorf("nothing is wrong with them: %v", err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "gpiochip2")); err != nil {
		t.Fatal(err)
	}
	err := unopened(pattern, nil)
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "gpiochip0") {
		t.Errorf("got %v", err)
	}
	if err := unopened(pattern, []string{filepath.Join(dir, "gpiochip2")}); err != nil {
		t.Errorf("the driver has it: %v", err)
	}
}

func TestHint(t *testing.T) {
	denied := &fs.PathError{Op: "open", Path: "/dev/gpiochip0", Err: unix.EACCES}
	if err := withHint(denied); !errors.Is(err, denied) || !strings.Contains(err.Error(), "udev") {
		t.Errorf("got %v", err)
	}
	missing := &fs.PathError{Op: "open", Path: "/dev/gpiochip0", Err: unix.ENODEV}
	if err := withHint(missing); err.Error() != missing.Error() {
		t.Errorf("got %v", err)
	}
}

// The driver closes file descriptor 0 on some machines.
func TestKeepStdin(t *testing.T) {
	before := stat(t)
	if err := keepStdin(func() { _ = unix.Close(0) }); err != nil {
		t.Fatal(err)
	}
	if after := stat(t); after.Ino != before.Ino || after.Dev != before.Dev {
		t.Errorf("it was %v and is %v", before, after)
	}
	if err := keepStdin(func() {}); err != nil {
		t.Error(err)
	}
}

func stat(t *testing.T) unix.Stat_t {
	t.Helper()
	var s unix.Stat_t
	if err := unix.Fstat(0, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestQuietly(t *testing.T) {
	var written bytes.Buffer
	before := log.Writer()
	log.SetOutput(&written)
	defer log.SetOutput(before)
	quietly(func() { log.Print("the driver has something to say") })
	if written.Len() != 0 {
		t.Errorf("got %s", written.String())
	}
	log.Print("the program has something to say")
	if written.Len() == 0 {
		t.Error("it stays quiet")
	}
}

// The size is part of the number of the kernel's call.
func TestLineInfoSize(t *testing.T) {
	if size := unsafe.Sizeof(lineInfo{}); size != getLineInfo>>16&0x3fff {
		t.Errorf("the size is %d", size)
	}
	if offset := unsafe.Offsetof(lineInfo{}.flags); offset != 72 {
		t.Errorf("the flags are at %d", offset)
	}
}

func TestReadDirectionOfNoChip(t *testing.T) {
	for _, path := range []string{"/dev/null", "/dev/no such chip"} {
		if _, err := readDirection(path, 0); err == nil {
			t.Errorf("%s is a chip", path)
		}
	}
}
