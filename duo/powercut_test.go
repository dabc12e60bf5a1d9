package duo

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"duogateway/secret"
)

// flash is two DCT sectors in a row, and the list of what the new engine does
// to them in a write. It is a model of the vendor's code, checked against the
// images that the vendor's code made.
type flash []byte

func (f flash) sectors() Sectors { return splitSectors(f) }

// write returns the flash operations of one write of data at an offset of the
// area, in the order of the vendor's code. The commit is operation number
// commit: from then on the new copy counts.
func (f flash) write(offset int, data []byte) (ops []func(), commit int, wraps bool) {
	from, _ := f.sectors().Current(EngineNew)
	before := []byte(f[from*SectorSize : (from+1)*SectorSize])
	target := []byte(f[(1-from)*SectorSize : (2-from)*SectorSize])

	after := bytes.Clone(before)
	copy(after[AreaStart+offset:], data)
	after[headerIncomplete], after[headerCurrent], after[headerMagic-2] = 1, 1, 1
	sequence := byte(1)
	if block, ok := (Sector{secret.Of(before)}).VersionBlock(); ok {
		sequence = block.Sequence + 1
		wraps = sequence == 0
	}
	writeVersionBlock(after, sequence)

	program := func(from, to int) {
		ops = append(ops, func() { copy(target[from:to], after[from:to]) })
	}
	ops = append(ops, func() { copy(target, bytes.Repeat([]byte{0xFF}, SectorSize)) })
	for at := headerSize; at < versionBlockStart; at += 1000 {
		program(at, min(at+1000, versionBlockStart))
	}
	program(0, headerSize)
	program(versionBlockStart, SectorSize)
	commit = len(ops)
	ops = append(ops,
		func() { target[headerIncomplete] = 0 },
		func() { before[headerCurrent] = 0 },
		func() { before[versionBlockStart+blockInitial] = 0 })
	return ops, commit, wraps
}

// The model makes the very bytes that the vendor's code made.
func TestModelOfTheNewEngine(t *testing.T) {
	f := flash(bytes.Clone(testdata(t, "fac-dct-r1.bin")))
	for _, step := range []struct {
		offset     int
		data, want []byte
	}{
		{PrivateKeyOffset, testdata(t, "reset_device_private_key.bin"), testdata(t, "new-1-facdct-then-reset34.bin")},
		{ServerKeyOffset, testdata(t, "server_public_key.der"), testdata(t, "new-2-then-serverkey2082.bin")},
	} {
		ops, _, _ := f.write(step.offset, step.data)
		for _, op := range ops {
			op()
		}
		if !bytes.Equal(f, step.want) {
			t.Fatalf("the write at %d differs", step.offset)
		}
	}
}

// Wherever the power goes off in a write, the current copy is the old one
// before the commit and the new one after it, whole in both cases.
func TestPowerCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := legacySector()
		if rapid.Bool().Draw(t, "versioned") {
			start = versionedSector(rapid.SampledFrom([]byte{1, 2, 253, 254, 255}).Draw(t, "sequence"), 0)
		}
		f := flash(append(start, bytes.Repeat([]byte{0xFF}, SectorSize)...))
		want := bytes.Clone(start[AreaStart : AreaStart+AreaSize])

		for range rapid.IntRange(1, 4).Draw(t, "writes") {
			data := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "data")
			offset := rapid.IntRange(0, AreaSize-len(data)).Draw(t, "offset")
			ops, commit, wraps := f.write(offset, data)
			cut := rapid.IntRange(0, len(ops)).Draw(t, "cut")
			for _, op := range ops[:cut] {
				op()
			}
			// After sequence 255 the new copy counts only once the old one is
			// retired: the engine's own gap.
			if cut > commit+1 || cut == commit+1 && !wraps {
				copy(want[offset:], data)
			}
			area, ok := f.sectors().CurrentArea(EngineNew)
			if !ok || !bytes.Equal(area.Reveal(), want) {
				t.Fatalf("cut at %d of %d (commit %d): the current copy is wrong", cut, len(ops), commit)
			}
		}
	})
}
