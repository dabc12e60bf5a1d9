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

// engines are the two engines, in the words of both opinions.
var engines = map[duo.Engine]virtualduo.Engine{
	duo.EngineOld: virtualduo.Wiced33{},
	duo.EngineNew: virtualduo.Wiced37{},
}

// Whatever was written and cut, both find the same copy, and the same content.
func TestBothFindTheSameCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		engine := rapid.SampledFrom([]duo.Engine{duo.EngineOld, duo.EngineNew}).Draw(t, "engine")
		image := virtualduo.FactoryDCT(nil)
		for range rapid.IntRange(0, 12).Draw(t, "writes") {
			offset := rapid.IntRange(0, duo.AreaSize-1).Draw(t, "offset")
			data := rapid.SliceOfN(rapid.Byte(), 1, min(3000, duo.AreaSize-offset)).Draw(t, "data")
			flash := &dying{image, rapid.IntRange(0, 20).Draw(t, "operations")}
			if err := engines[engine].Write(flash, offset, data); err != nil && !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 9).Draw(t, "rot") == 0 {
				image[rapid.IntRange(0, len(image)-1).Draw(t, "where")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
			compare(t, engine, image)
		}
	})
}

func compare(t *rapid.T, engine duo.Engine, image virtualduo.Image) {
	dump, err := duo.ParseDump(bytes.Clone(image), duo.StartBySize)
	if err != nil {
		t.Fatal(err)
	}
	index, ok := dump.Sectors.Current(engine)
	if valid := engines[engine].Valid(image); ok != valid {
		t.Fatalf("there is a current copy: duo says %v, the board %v", ok, valid)
	}
	if !ok {
		return
	}
	current, err := engines[engine].Current(image)
	if err != nil || current != index {
		t.Fatalf("the current copy: duo says %d, the board %d, %v", index, current, err)
	}
	area, _ := dump.Sectors.CurrentArea(engine)
	board, err := virtualduo.ReadApplication(engines[engine], image, 0, duo.AreaSize)
	if err != nil || !bytes.Equal(area.Reveal(), board) {
		t.Fatalf("the content of the copy differs, %v", err)
	}
}

// P1: a raw write that duo plans leaves, to the board's own engine, the old
// content or the new one, wherever the power goes off; and at its end the new.
func TestTheBoardTakesRawWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]duo.Engine{duo.EngineOld, duo.EngineNew}).Draw(t, "engine")
		image, engine := virtualduo.FactoryDCT(nil), engines[name]
		for range rapid.IntRange(0, 3).Draw(t, "writes before") {
			if err := engine.Write(image, 100, rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "before")); err != nil {
				t.Fatal(err)
			}
		}
		before := application(t, engine, image)
		data := rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "data")
		plan := planRaw(t, name, image, rapid.IntRange(0, duo.AreaSize-len(data)).Draw(t, "offset"), data)
		flash := &dying{image, rapid.IntRange(0, len(plan.Steps)).Draw(t, "operations")}
		var err error
		for _, step := range plan.Steps {
			if err = carry(flash, step); err != nil {
				break
			}
		}
		after := application(t, engine, image)
		if isNew := bytes.Equal(after, plan.Sector.Area().Reveal()); !isNew && (err == nil || !bytes.Equal(after, before)) {
			t.Fatalf("after %v the content is neither the old nor the new one", err)
		}
		compare(t, name, image)
	})
}

func application(t *rapid.T, engine virtualduo.Engine, image virtualduo.Image) []byte {
	if !engine.Valid(image) {
		t.Fatal("both copies are lost")
	}
	content, err := virtualduo.ReadApplication(engine, image, 0, duo.AreaSize)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(content)
}

func planRaw(t *rapid.T, engine duo.Engine, image virtualduo.Image, offset int, data []byte) duo.RawWrite {
	dump, err := duo.ParseDump(bytes.Clone(image), duo.StartBySize)
	if err != nil {
		t.Fatal(err)
	}
	current, ok := dump.Sectors.Current(engine)
	if !ok {
		t.Fatal("no current copy")
	}
	content, err := dump.Sectors[current].WithArea(offset, data)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := dump.Sectors.PlanRaw(engine, content)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// carry does a step of a raw write as alternate setting 0 would.
func carry(flash virtualduo.Flash, step duo.RawStep) error {
	if step.Erase {
		return flash.Erase(step.Copy - 1)
	}
	return flash.Program((step.Copy-1)*duo.SectorSize+step.Offset, step.Data.Reveal())
}
