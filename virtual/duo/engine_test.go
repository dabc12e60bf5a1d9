package virtualduo

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is written and wherever power goes, the DCT is the one before the
// write or the one after it, and a write that was finished stays.
func TestEngineIsAtomic(t *testing.T) {
	// From the erase to the last byte of the version block.
	const untilCommit = 1 + CopySize - headerSize - versionBlockSize + headerSize + versionBlockSize
	rapid.Check(t, func(t *rapid.T) {
		engine, image := Wiced37{}, FactoryDCT(nil)
		model := bytes.Clone(image[applicationOffset:versionBlockAt])
		for range rapid.IntRange(1, 6).Draw(t, "writes") {
			offset := rapid.IntRange(0, Limit37-1).Draw(t, "offset")
			data := rapid.SliceOfN(rapid.Byte(), 1, min(100, Limit37-offset)).Draw(t, "data")
			after := bytes.Clone(model)
			copy(after[offset:], data)
			left := rapid.OneOf(
				rapid.Just(-1), rapid.IntRange(0, untilCommit), rapid.IntRange(untilCommit-3, untilCommit+3),
			).Draw(t, "operations until power is lost")
			err := engine.Write(&failing{image, left}, offset, data)
			if committed := left < 0 || left > untilCommit; committed {
				model = after
			}
			if err != nil && !errors.Is(err, errNoPower) {
				t.Fatal(err)
			}
			got, err := ReadApplication(engine, image, 0, Limit37)
			if err != nil || !bytes.Equal(got, model) {
				t.Fatalf("wrong DCT after a cut at %d (%v)", left, err)
			}
		}
	})
}

func TestSequence255IsFollowedBy0(t *testing.T) {
	image := FactoryDCT(nil)
	for i := range 300 {
		if err := (Wiced37{}).Write(image, 34, []byte{byte(i), byte(i >> 8)}); err != nil {
			t.Fatal(err)
		}
		got, _ := ReadApplication(Wiced37{}, image, 34, 2)
		if got[0] != byte(i) || got[1] != byte(i>>8) {
			t.Fatalf("write %d is lost", i)
		}
	}
}

// The wrap has one weak point: the commit byte is written, the old copy's
// mark is not yet cleared.
func TestCutAfterTheCommitOfSequence0RollsBack(t *testing.T) {
	image := FactoryDCT(nil)
	for range 255 {
		if err := (Wiced37{}).Write(image, 34, []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	committed := 1 + CopySize + 1
	if err := (Wiced37{}).Write(&failing{image, committed}, 34, []byte{2}); !errors.Is(err, errNoPower) {
		t.Fatal(err)
	}
	if got, _ := ReadApplication(Wiced37{}, image, 34, 1); got[0] != 1 {
		t.Errorf("read %d, want the value before", got[0])
	}
}

func TestEngineRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		offset, length int
		want           error
	}{
		{8819, 1, nil}, {0, 8820, nil}, {8820, 1, ErrRunaway}, {8816, 20, ErrRunaway}, {8836, 0, ErrRunaway},
		{8836, 1, ErrRejected}, {8816, 21, ErrRejected}, {-1, 1, ErrRejected}, {1 << 62, 1, ErrRejected},
	} {
		image := FactoryDCT(nil)
		err := (Wiced37{}).Write(image, c.offset, make([]byte, c.length))
		if !errors.Is(err, c.want) {
			t.Errorf("%d bytes at %d: %v, want %v", c.length, c.offset, err, c.want)
		}
		if c.want != nil && !bytes.Equal(image, FactoryDCT(nil)) {
			t.Errorf("%d bytes at %d were refused and changed the flash", c.length, c.offset)
		}
	}
}

// FuzzEngine feeds arbitrary flash: choosing and writing must not panic, and
// what is written must be read back.
func FuzzEngine(f *testing.F) {
	written := FactoryDCT(nil)
	_ = Wiced37{}.Write(written, 34, []byte{1})
	for _, seed := range []Image{BlankImage(), FactoryDCT(nil), written} {
		f.Add([]byte(seed), 34)
	}
	f.Fuzz(func(t *testing.T, flash []byte, offset int) {
		image := BlankImage()
		copy(image, flash)
		err := Wiced37{}.Write(image, offset, []byte{0xA5})
		if err != nil {
			return
		}
		if got, err := ReadApplication(Wiced37{}, image, offset, 1); err != nil || got[0] != 0xA5 {
			// A copy whose sequence is 255 and whose mark was cleared before
			// can win over the new one: the engine does not handle the wrap.
			if sequences := [2]byte{image[versionBlockAt+sequenceAt], image[CopySize+versionBlockAt+sequenceAt]}; sequences[0] != 0 && sequences[1] != 0 {
				t.Errorf("read %v, %v", got, err)
			}
		}
	})
}

// FuzzOldEngine does the same for the old engine, which is simpler: what it
// has written is always read back.
func FuzzOldEngine(f *testing.F) {
	written := FactoryDCT(nil)
	_ = Wiced33{}.Write(written, 34, []byte{1})
	for _, seed := range []Image{BlankImage(), FactoryDCT(nil), written} {
		f.Add([]byte(seed), 34)
	}
	f.Fuzz(func(t *testing.T, flash []byte, offset int) {
		image := BlankImage()
		copy(image, flash)
		if err := (Wiced33{}).Write(image, offset, []byte{0xA5}); err != nil {
			return
		}
		if got, err := ReadApplication(Wiced33{}, image, offset, 1); err != nil || got[0] != 0xA5 {
			t.Errorf("read %v, %v", got, err)
		}
	})
}
