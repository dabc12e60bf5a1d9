package dfutest

import (
	"fmt"
	"slices"
	"testing"

	"duogateway/dfu"
)

var readCases = []testCase{
	{"read every alternate setting", testReadEveryAlt},
	{"read in pieces", testReadPieces},
	{"read progress", testReadProgress},
}

func testReadEveryAlt(t *testing.T, b *bench) {
	device, recorder := b.open(t)
	for _, alt := range device.Info().Alts {
		for _, segment := range alt.Layout.Segments {
			if segment.Access&dfu.Readable == 0 {
				continue
			}
			first := read(t, device, alt.Number, segment.Addr, 64)
			again := read(t, device, alt.Number, segment.Addr, 64)
			differ(t, fmt.Sprintf("alt %d 0x%08x read twice", alt.Number, segment.Addr), again, first)
		}
	}
	for _, alt := range device.Info().Alts {
		if !slices.Contains(recorder.Selected, alt.Number) {
			t.Errorf("alternate setting %d was never selected", alt.Number)
		}
	}
}

// testReadPieces holds reads of odd lengths from odd places, within and over
// block borders, against what was written.
func testReadPieces(t *testing.T, b *bench) {
	device, _ := b.open(t)
	block := device.Info().TransferSize
	for _, area := range b.Flash {
		data := fill(t, device, area)
		for _, piece := range []struct{ from, length int }{
			{0, 1}, {0, 3}, {1, 1}, {3, 61}, {5, 64}, {7, block - 1}, {0, block}, {1, block},
			{2, block + 1}, {block - 1, 2}, {block, block}, {11, 2*block + 77}, {0, area.Length}, {area.Length - 1, 1},
		} {
			if piece.from+piece.length > area.Length {
				continue
			}
			got := read(t, device, area.Alt, area.Addr+uint32(piece.from), piece.length)
			differ(t, fmt.Sprintf("alt %d, %d bytes from %d", area.Alt, piece.length, piece.from),
				got, data[piece.from:piece.from+piece.length])
		}
	}
}

func testReadProgress(t *testing.T, b *bench) {
	device, _ := b.open(t)
	area := b.Flash[0]
	length := min(area.Length, 2*device.Info().TransferSize+1)
	last := 0
	_, err := device.Read(t.Context(), area.Alt, area.Addr, length, func(done, total int) {
		if done <= last || done > total || total != length {
			t.Errorf("progress %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != length {
		t.Errorf("progress ended at %d of %d", last, length)
	}
}
