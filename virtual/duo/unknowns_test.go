package virtualduo

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestUnknownHabits(t *testing.T) {
	unknowns := Unknowns{InternalOverrun: true, SerialOverrun: true, OddStall: true}
	inBubble(t, Config{Unknowns: unknowns}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.must(h.write(altInternal, 0x080FFFFC, []byte{1, 2, 3, 4, 5, 6}))
		h.must(h.write(altSerial, serialSize-2, []byte{1, 2, 3, 4}))
		flash, chip := b.Flash(), b.SerialFlash()
		if !bytes.Equal(flash[flashSize-4:], []byte{1, 2, 3, 4}) || !bytes.Equal(chip[:3], []byte{3, 4, 0xFF}) {
			t.Errorf("internal % x, serial % x", flash[flashSize-4:], chip[:3])
		}
		err := h.write(altInternal, flashBase, []byte{0})
		if err == nil || stalls(err) || isGone(err) {
			t.Errorf("a failed write: %v", err)
		}
		if err := h.usb.SelectAlt(context.Background(), 3); !stalls(err) {
			t.Errorf("no status stage: %v", err)
		}
	})
}

func TestVendorRequestsOfTheFirmware(t *testing.T) {
	for version, answers := range map[uint16]bool{9: false, 10: true, 11: true} {
		inBubble(t, Config{SystemVersion: version, WiFi: true}, func(t *testing.T, b *Board) {
			running(t, b)
			usb, err := b.Open()
			if err != nil {
				t.Fatal(err)
			}
			h := host{t, usb}
			attached, _ := b.Attached()
			id, err := h.standard(vendorFromDevice, 0x50, 0, 20, 64)
			if stalls(err) == answers || answers && string(id) != strings.ToUpper(attached.Serial) {
				t.Errorf("version %d: id %q, %v", version, id, err)
			}
			said, err := h.standard(vendorFromDevice, 0x50, 0, 30, 64)
			if stalls(err) == answers || answers && string(said) != b.release().Says {
				t.Errorf("version %d: says %q, %v", version, said, err)
			}
		})
	}
}
