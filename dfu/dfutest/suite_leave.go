package dfutest

import (
	"errors"
	"testing"
	"time"

	"duogateway/dfu"
)

var leaveCases = []testCase{
	{"unplugged between blocks", testUnpluggedBetween},
	{"unplugged during an erase", testUnpluggedDuring},
	{"leave", testLeave},
}

func needsPlug(t *testing.T, b *bench) {
	t.Helper()
	if b.Unplug == nil || b.Replug == nil {
		t.Skip("nobody here can plug the board")
	}
}

func testUnpluggedBetween(t *testing.T, b *bench) {
	needsPlug(t, b)
	device, _ := b.open(t)
	area := b.Flash[0]
	erase(t, device, area)
	calls := 0
	err := device.Write(t.Context(), area.Alt, area.Addr, pattern(area.Length, 3), func(int, int) {
		if calls++; calls == 1 {
			b.Unplug()
		}
	})
	if !errors.Is(err, dfu.ErrGone) || calls != 1 {
		t.Errorf("write: %v after %d blocks, want gone after 1", err, calls)
	}
	afterGone(t, b, device)
}

func testUnpluggedDuring(t *testing.T, b *bench) {
	needsPlug(t, b)
	device, _ := b.open(t)
	unplugged := make(chan struct{})
	go func() {
		defer close(unplugged)
		time.Sleep(20 * time.Millisecond)
		b.Unplug()
	}()
	err := eraseUntilError(t.Context(), device, b.Flash[0])
	<-unplugged
	if !errors.Is(err, dfu.ErrGone) {
		t.Errorf("erase: %v, want gone", err)
	}
	afterGone(t, b, device)
}

func testLeave(t *testing.T, b *bench) {
	needsPlug(t, b)
	device, recorder := b.open(t)
	if err := device.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, transfer := range recorder.Transfers {
		if transfer.class(dfu.RequestDnload) && transfer.Length == 0 {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d zero-length downloads, want 1", told)
	}
	afterGone(t, b, device)
}

// afterGone checks that nothing works on a device that is gone, and all does
// once it is back.
func afterGone(t *testing.T, b *bench, device *dfu.Device) {
	t.Helper()
	area := b.Flash[0]
	for what, err := range map[string]error{
		"read":  errorOf(device.Read(t.Context(), area.Alt, area.Addr, 1, nil)),
		"erase": device.Erase(t.Context(), area.Alt, area.Addr, 1, nil),
		"leave": device.Leave(t.Context()),
	} {
		if !errors.Is(err, dfu.ErrGone) {
			t.Errorf("%s: %v, want gone", what, err)
		}
	}
	b.Replug()
	again, _ := b.open(t)
	data := fill(t, again, area)
	differ(t, "after it is back", read(t, again, area.Alt, area.Addr, area.Length), data)
}
