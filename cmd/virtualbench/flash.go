package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// serialFlashSize is where addresses stop to mean the serial flash
// (redbear/firmware hal/src/duo/ota_module_bounds.c:4-11).
const serialFlashSize = 2 << 20

// flashImage is BAY:ADDRESS=FILE, something to be in a board's flash before
// it gets power. Addresses below 2 MiB are in the serial flash.
type flashImage struct {
	bay     string
	address uint32
	file    string
}

// UnmarshalText reads the form of the command line.
func (f *flashImage) UnmarshalText(text []byte) error {
	place, file, ok := strings.Cut(string(text), "=")
	bay, address, named := strings.Cut(place, ":")
	if !ok || !named || bay == "" || file == "" {
		return fmt.Errorf("%q is not BAY:ADDRESS=FILE", text)
	}
	number, err := strconv.ParseUint(address, 0, 32)
	if err != nil {
		return fmt.Errorf("%q has no address: %w", text, err)
	}
	*f = flashImage{bay, uint32(number), file}
	return nil
}

// loadImages puts images into the boards of their bays.
func loadImages(bays []remote.Bay, images []flashImage) error {
	for _, image := range images {
		at := slices.IndexFunc(bays, func(b remote.Bay) bool { return b.Name == image.bay })
		if at < 0 {
			return fmt.Errorf("there is no bay %q for %s", image.bay, image.file)
		}
		if err := image.load(bays[at].Board); err != nil {
			return err
		}
	}
	return nil
}

// load puts the file into the board's flash.
func (f flashImage) load(board *virtualduo.Board) error {
	image, err := os.ReadFile(f.file)
	if err != nil {
		return fmt.Errorf("read the image for bay %q: %w", f.bay, err)
	}
	if f.address < serialFlashSize {
		err = board.SetSerialFlash(int(f.address), image)
	} else {
		err = board.SetFlash(f.address, image)
	}
	if err != nil {
		return fmt.Errorf("load %s into bay %q: %w", f.file, f.bay, err)
	}
	return nil
}
