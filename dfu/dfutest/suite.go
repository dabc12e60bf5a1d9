package dfutest

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"duogateway/dfu"
)

// Area is a range of one alternate setting that tests may write.
type Area struct {
	Alt    uint8
	Addr   uint32
	Length int
}

// Fixture is one board for one case of the suite. A board in memory is made
// anew for each case; a real one is the same each time, and is in DFU mode
// whenever a case begins.
type Fixture struct {
	// Open returns a new handle on the plugged board. It is called when the
	// handle before is closed or its board has left: a kernel gives a device
	// to one host at a time.
	Open func() (dfu.Transport, error)

	// Flash areas are whole sectors, two at least, which are erasable and
	// whose programming only clears bits. Their content is lost.
	Flash []Area

	// Record areas are written without erasing, as one block each, which is
	// not longer than wTransferSize. Their content is restored.
	Record []Area

	// Unplug takes the board off the bus, also in the middle of a transfer,
	// from another goroutine. Replug returns when it is back in DFU mode; it
	// is also used after the board has left DFU mode. Cases that need them are
	// skipped where they are nil.
	Unplug, Replug func()
}

// Suite is the conformance suite: every transport and every board passes it.
// open is called once for each case and cleans up by t.Cleanup.
func Suite(t *testing.T, open func(t *testing.T) Fixture) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { c.run(t, &bench{Fixture: open(t)}) })
	}
}

// BubbleSuite is Suite in fake time, one bubble a case, for boards in memory.
func BubbleSuite(t *testing.T, open func(t *testing.T) Fixture) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t, &bench{Fixture: open(t)}) })
		})
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, b *bench)
}

// cases lists the suite. What takes the board off the bus comes last.
func cases() []testCase {
	return slices.Concat(describeCases, readCases, writeCases, refusalCases, recoveryCases, leaveCases)
}

// bench is the fixture with what the cases need of it.
type bench struct {
	Fixture
}

// areas returns all areas that may be written.
func (b *bench) areas() []Area { return slices.Concat(b.Flash, b.Record) }

// limit allows the areas and nothing else.
func (b *bench) limit(alt uint8, addr uint32, length int) error {
	for _, area := range b.areas() {
		start, end := uint64(area.Addr), uint64(area.Addr)+uint64(area.Length)
		if alt == area.Alt && uint64(addr) >= start && uint64(addr)+uint64(length) <= end {
			return nil
		}
	}
	return errOutside
}

// open opens the board for the rest of the test.
func (b *bench) open(t *testing.T) (*dfu.Device, *Recorder) {
	t.Helper()
	device, recorder, done := b.connect(t)
	t.Cleanup(done)
	return device, recorder
}

// use opens the board for one task.
func (b *bench) use(t *testing.T, task func(device *dfu.Device)) {
	t.Helper()
	device, _, done := b.connect(t)
	defer done()
	task(device)
}

// connect opens the board until done is called. All that goes over the bus is
// held against the rules then.
func (b *bench) connect(t *testing.T) (device *dfu.Device, recorder *Recorder, done func()) {
	t.Helper()
	bus, err := b.Open()
	if err != nil {
		t.Fatalf("open the board: %v", err)
	}
	recorder = &Recorder{Bus: bus}
	device, err = dfu.Open(t.Context(), recorder, dfu.Options{Limit: b.limit})
	if err != nil {
		_ = bus.Close()
		t.Fatal(err)
	}
	return device, recorder, func() {
		if err := device.Close(); err != nil {
			t.Error(err)
		}
		recorder.CheckRules(t, device.Info().TransferSize)
	}
}

// raw opens the board, brings it to dfuIDLE on an alternate setting, and
// returns the bare transport, for what a good host would not do. The caller
// closes it.
func (b *bench) raw(t *testing.T, alt uint8) dfu.Transport {
	t.Helper()
	bus, err := b.Open()
	if err != nil {
		t.Fatalf("open the board: %v", err)
	}
	if _, err := dfu.Open(t.Context(), bus, dfu.Options{}); err != nil {
		_ = bus.Close()
		t.Fatal(err)
	}
	if err := bus.SelectAlt(t.Context(), alt); err != nil {
		_ = bus.Close()
		t.Fatal(err)
	}
	return bus
}

// fill writes a pattern over an area and returns it.
func fill(t *testing.T, device *dfu.Device, area Area) []byte {
	t.Helper()
	data := pattern(area.Length, 1)
	erase(t, device, area)
	write(t, device, area.Alt, area.Addr, data)
	return data
}

// pattern makes bytes that tell their place: no two blocks are alike.
func pattern(length int, seed uint32) []byte {
	data := make([]byte, length)
	state := seed
	for i := range data {
		state = state*1664525 + 1013904223
		data[i] = byte(state >> 24)
	}
	return data
}

func erase(t *testing.T, device *dfu.Device, area Area) {
	t.Helper()
	if err := device.Erase(t.Context(), area.Alt, area.Addr, area.Length, nil); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, device *dfu.Device, alt uint8, addr uint32, data []byte) {
	t.Helper()
	if err := device.Write(t.Context(), alt, addr, data, nil); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, device *dfu.Device, alt uint8, addr uint32, length int) []byte {
	t.Helper()
	data, err := device.ReadFresh(t.Context(), alt, addr, length, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) != length {
		t.Fatalf("read %d bytes of %d", len(data), length)
	}
	return data
}

// keep restores an area's content at the end of the test, before the device is
// closed.
func keep(t *testing.T, device *dfu.Device, area Area) {
	t.Helper()
	before := read(t, device, area.Alt, area.Addr, area.Length)
	t.Cleanup(func() {
		if err := device.Write(context.Background(), area.Alt, area.Addr, before, nil); err != nil {
			t.Errorf("restore: %v", err)
		}
	})
}

// differ fails the test if two ranges are not alike, and tells from where on.
func differ(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d bytes, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: differs from byte %d of %d on", what, i, len(got))
			return
		}
	}
}
