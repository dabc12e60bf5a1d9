package dfutest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"duogateway/dfu"
)

var writeCases = []testCase{
	{"erase", testErase},
	{"erase takes whole sectors", testEraseSectors},
	{"write and read back", testWrite},
	{"programming clears bits only", testClearsBits},
	{"program", testProgram},
	{"record in one block", testRecord},
	{"record in part", testRecordPart},
}

func testErase(t *testing.T, b *bench) {
	device, _ := b.open(t)
	for _, area := range b.Flash {
		fill(t, device, area)
		erase(t, device, area)
		got := read(t, device, area.Alt, area.Addr, area.Length)
		differ(t, fmt.Sprintf("alt %d erased", area.Alt), got, blank(area.Length))
	}
}

func blank(length int) []byte { return bytes.Repeat([]byte{0xFF}, length) }

// testEraseSectors erases by one byte in the middle of the first sector: this
// sector is blank then, and the next one is as it was.
func testEraseSectors(t *testing.T, b *bench) {
	device, _ := b.open(t)
	for _, area := range b.Flash {
		data := fill(t, device, area)
		sector, _ := layoutOf(t, device, area.Alt).SectorAt(area.Addr)
		if err := device.Erase(t.Context(), area.Alt, area.Addr+uint32(sector.Size/2), 1, nil); err != nil {
			t.Fatal(err)
		}
		copy(data, blank(sector.Size))
		got := read(t, device, area.Alt, area.Addr, area.Length)
		differ(t, fmt.Sprintf("alt %d, one sector erased", area.Alt), got, data)
	}
}

// testWrite writes lengths around the block size; what lies behind stays
// erased.
func testWrite(t *testing.T, b *bench) {
	device, _ := b.open(t)
	block := device.Info().TransferSize
	for _, area := range b.Flash {
		for _, length := range []int{1, 5, block - 1, block, block + 1, 2*block + 3} {
			if length > area.Length {
				continue
			}
			erase(t, device, area)
			data := pattern(length, uint32(length))
			write(t, device, area.Alt, area.Addr, data)
			want := append(data, blank(area.Length-length)...)
			got := read(t, device, area.Alt, area.Addr, area.Length)
			differ(t, fmt.Sprintf("alt %d, %d bytes written", area.Alt, length), got, want)
		}
	}
}

// testClearsBits writes twice without erasing between. Bits that are cleared
// stay so: a device either tells by a stall or keeps silent, and only reading
// back shows it.
func testClearsBits(t *testing.T, b *bench) {
	device, _ := b.open(t)
	for _, area := range b.Flash {
		erase(t, device, area)
		write(t, device, area.Alt, area.Addr, []byte{0xF3, 0xF3, 0xF3, 0xF3})
		write(t, device, area.Alt, area.Addr, []byte{0xF0, 0xC0, 0x81, 0x03})
		got := read(t, device, area.Alt, area.Addr, 4)
		differ(t, fmt.Sprintf("alt %d, bits cleared", area.Alt), got, []byte{0xF0, 0xC0, 0x81, 0x03})

		err := device.Write(t.Context(), area.Alt, area.Addr, []byte{0x0F, 0xFF, 0x7E, 0x01}, nil)
		if err != nil && !errors.Is(err, dfu.ErrStalled) {
			t.Errorf("alt %d, write over programmed flash: %v", area.Alt, err)
		}
		got = read(t, device, area.Alt, area.Addr, 4)
		differ(t, fmt.Sprintf("alt %d, both writes", area.Alt), got, []byte{0x00, 0xC0, 0x00, 0x01})
	}
}

func testProgram(t *testing.T, b *bench) {
	device, _ := b.open(t)
	for _, area := range b.Flash {
		fill(t, device, area)
		data := pattern(area.Length-3, 7)
		last := 0
		err := device.Program(t.Context(), area.Alt, area.Addr, data, func(done, total int) {
			if done <= last || total != area.Length+2*len(data) {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		})
		if err != nil {
			t.Fatal(err)
		}
		if last != area.Length+2*len(data) {
			t.Errorf("progress ended at %d", last)
		}
		differ(t, "programmed", read(t, device, area.Alt, area.Addr, len(data)), data)
	}
}

// testRecord writes a whole record over another one: each is one DNLOAD, since
// what a device does atomically it does by block.
func testRecord(t *testing.T, b *bench) {
	device, recorder := b.open(t)
	for _, area := range b.Record {
		keep(t, device, area)
		for seed := range uint32(3) {
			before := recorder.Downloads(2)
			data := pattern(area.Length, seed+2)
			write(t, device, area.Alt, area.Addr, data)
			if n := recorder.Downloads(2) - before; n != 1 {
				t.Errorf("%d blocks for one record", n)
			}
			got := read(t, device, area.Alt, area.Addr, area.Length)
			differ(t, fmt.Sprintf("alt %d record", area.Alt), got, data)
		}
	}
}

// testRecordPart writes an odd piece in the middle: its neighbours stay.
func testRecordPart(t *testing.T, b *bench) {
	device, _ := b.open(t)
	for _, area := range b.Record {
		keep(t, device, area)
		data := pattern(area.Length, 11)
		write(t, device, area.Alt, area.Addr, data)
		from, piece := area.Length/3|1, pattern(area.Length/5|1, 12)
		write(t, device, area.Alt, area.Addr+uint32(from), piece)
		copy(data[from:], piece)
		got := read(t, device, area.Alt, area.Addr, area.Length)
		differ(t, fmt.Sprintf("alt %d record in part", area.Alt), got, data)
	}
}
