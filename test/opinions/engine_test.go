package opinions_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
)

var errCut = errors.New("the power is cut")

// dying is flash that loses power in the middle of an operation.
type dying struct {
	virtualduo.Image
	left int // operations until then
}

func (d *dying) Erase(which int) error {
	if d.left--; d.left < 0 {
		return errCut
	}
	return d.Image.Erase(which)
}

func (d *dying) Program(offset int, data []byte) error {
	if d.left--; d.left < 0 {
		if err := d.Image.Program(offset, data[:len(data)/2]); err != nil {
			return err
		}
		return errCut
	}
	return d.Image.Program(offset, data)
}

// Whatever was written and cut, both find the same copy, and the same content.
func TestBothFindTheSameCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		engine := virtualduo.Wiced37{}
		image := virtualduo.FactoryDCT(nil)
		for range rapid.IntRange(0, 12).Draw(t, "writes") {
			offset := rapid.IntRange(0, duo.AreaSize-1).Draw(t, "offset")
			data := rapid.SliceOfN(rapid.Byte(), 1, min(3000, duo.AreaSize-offset)).Draw(t, "data")
			flash := &dying{image, rapid.IntRange(0, 20).Draw(t, "operations")}
			if err := engine.Write(flash, offset, data); err != nil && !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(t, "rot") == 0 {
				image[rapid.IntRange(0, len(image)-1).Draw(t, "where")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
			compare(t, engine, image)
		}
	})
}

func compare(t *rapid.T, engine virtualduo.Engine, image virtualduo.Image) {
	dump, err := duo.ParseDump(bytes.Clone(image), duo.StartBySize)
	if err != nil {
		t.Fatal(err)
	}
	index, ok := dump.Sectors.Current(duo.EngineNew)
	if valid := engine.Valid(image); ok != valid {
		t.Fatalf("there is a current copy: duo says %v, the board %v", ok, valid)
	}
	if !ok {
		return
	}
	current, err := engine.Current(image)
	if err != nil || current != index {
		t.Fatalf("the current copy: duo says %d, the board %d, %v", index, current, err)
	}
	area, _ := dump.Sectors.CurrentArea(duo.EngineNew)
	board, err := virtualduo.ReadApplication(engine, image, 0, duo.AreaSize)
	if err != nil || !bytes.Equal(area.Reveal(), board) {
		t.Fatalf("the content of the copy differs, %v", err)
	}
}
