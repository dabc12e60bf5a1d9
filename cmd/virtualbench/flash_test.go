package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/daemon"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

func TestFlashImagesGoIntoTheirBoard(t *testing.T) {
	image := file(t, t.TempDir(), "image.bin", []byte("image"))
	board := virtualduo.New(virtualduo.Config{})
	defer board.Close()
	bays := []remote.Bay{{Name: "1"}, {Name: "2", Board: board}}
	for _, text := range []string{"2:0x080C0000=" + image, "2:0x140000=" + image} {
		var f flashImage
		if err := f.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := loadImages(bays, []flashImage{f}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(board.Flash()[0xC0000:], []byte("image")) || !bytes.HasPrefix(board.SerialFlash()[0x140000:], []byte("image")) {
		t.Error("the image is not there")
	}
}

func TestFlashImagesThatDoNotFit(t *testing.T) {
	image := file(t, t.TempDir(), "image.bin", []byte("image"))
	board := virtualduo.New(virtualduo.Config{})
	defer board.Close()
	bays := []remote.Bay{{Name: "1", Board: board}}
	for _, c := range []struct{ text, want string }{
		{"1", "not BAY:ADDRESS=FILE"},
		{"1=file", "not BAY:ADDRESS=FILE"},
		{"1:here=file", "no address"},
		{"2:0x080C0000=" + image, `no bay "2"`},
		{"1:0x080FFFFF=" + image, "not inside internal flash"},
		{"1:0x1FFFFF=" + image, "not inside serial flash"},
		{"1:0x080C0000=" + filepath.Join(t.TempDir(), "none"), "read the image"},
	} {
		var f flashImage
		err := f.UnmarshalText([]byte(c.text))
		if err == nil {
			err = loadImages(bays, []flashImage{f})
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestBootloadersOfTheBoards(t *testing.T) {
	loader, err := bootloaderFor(map[string]string{"1": "r3"}, "1")
	if err != nil || loader == nil || loader.Name != "r3" {
		t.Errorf("%+v, %v", loader, err)
	}
	if loader, err := bootloaderFor(nil, "1"); err != nil || loader.Name != "r6" {
		t.Errorf("%+v, %v, want the default", loader, err)
	}
	if _, _, err := newBoards(daemon.Config{}, map[string]string{"1": "r3"}); err == nil {
		t.Error("a bay that is not there has a bootloader")
	}
	if _, err := bootloaderFor(map[string]string{"1": "r9"}, "1"); err == nil {
		t.Error("there is an r9")
	}
}
