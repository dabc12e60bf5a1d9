package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDCTWriteMakesTheGoldenImages(t *testing.T) {
	folder := os.Getenv("DUOGATEWAY_TESTDATA")
	if folder == "" {
		t.Skip("DUOGATEWAY_TESTDATA does not name the folder of published data")
	}
	out := filepath.Join(t.TempDir(), "out.bin")
	for _, engine := range []string{"new", "old"} {
		err := dctWrite([]string{
			"--engine", engine, "--in", filepath.Join(folder, "fac-dct-r1.bin"), "--offset", "34",
			"--data", filepath.Join(folder, "reset_device_private_key.bin"), "--out", out,
		}, io.Discard, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(folder, engine+"-1-facdct-then-reset34.bin"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the image is not the golden one (read error: %v)", engine, err)
		}
	}
}

func TestDCTWriteInPlaceOnBlankFlash(t *testing.T) {
	folder := t.TempDir()
	image := file(t, folder, "image.bin", bytes.Repeat([]byte{0xFF}, 32768))
	data := file(t, folder, "data.bin", []byte("here"))
	var stdout strings.Builder
	err := dctWrite([]string{"--in", image, "--offset", "8816", "--data", data, "--out", image}, &stdout, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := "4 bytes written at 8816; copy 2 is current\n"; stdout.String() != want {
		t.Errorf("said %q, want %q", stdout.String(), want)
	}
	got, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if at := 16384 + 7548 + 8816; string(got[at:at+4]) != "here" {
		t.Errorf("the second copy has %x there", got[at:at+4])
	}
}

// Without data the engine only looks, and makes of a blank image what a board
// makes of blank flash.
func TestDCTWriteNothing(t *testing.T) {
	folder := t.TempDir()
	image := file(t, folder, "image.bin", bytes.Repeat([]byte{0xFF}, 32768))
	empty := file(t, folder, "empty.bin", nil)
	if err := dctWrite([]string{"--in", image, "--offset", "0", "--data", empty, "--out", image}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	// The published new-init-from-blank.bin.
	const want = "cc80415473a822c0ebbd2928b0af9a5a0c206934206516fe090c1f4bc3b755e2"
	if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != want {
		t.Errorf("the image has SHA-256 %x", sum)
	}
}

func TestDCTWriteRefuses(t *testing.T) {
	folder := t.TempDir()
	blank := file(t, folder, "blank.bin", bytes.Repeat([]byte{0xFF}, 32768))
	short := file(t, folder, "short.bin", make([]byte, 32767))
	byteFile := file(t, folder, "byte.bin", []byte{1})
	for name, c := range map[string]struct {
		engine, in, offset, data, want string
	}{
		"one byte too far":                    {"new", blank, "8820", byteFile, "1 bytes at 8820 do not fit: the DCT ends at 8820"},
		"negative offset":                     {"new", blank, "-1", byteFile, "before the DCT"},
		"huge offset":                         {"new", blank, "9223372036854775807", byteFile, "do not fit"},
		"image too short":                     {"new", short, "34", byteFile, "has 32767 bytes"},
		"one byte too far for the old engine": {"old", blank, "8836", byteFile, "the DCT ends at 8836"},
		"unknown engine":                      {"odd", blank, "34", byteFile, "must be one of"},
		"missing data file":                   {"new", blank, "34", filepath.Join(folder, "none"), "read the data"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.bin")
			err := dctWrite([]string{
				"--engine", c.engine, "--in", c.in, "--offset=" + c.offset, "--data", c.data, "--out", out,
			}, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if _, err := os.Stat(out); !os.IsNotExist(err) {
				t.Error("an image was written all the same")
			}
		})
	}
}

func file(t *testing.T, folder, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
