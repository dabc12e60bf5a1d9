package virtualduo

import (
	"encoding/binary"
	"testing"
	"time"
)

func TestMirrorButton(t *testing.T) {
	for name, mirrors := range map[string]bool{"r4": false, "r5": true, "r6": true} {
		t.Run(name, func(t *testing.T) {
			loader, _ := BootloaderByName(name)
			inBubble(t, Config{Bootloader: loader, WiFi: true}, func(t *testing.T, b *Board) {
				keyed(t, b)
				hold := func() uint16 {
					b.PowerOff()
					b.SetMirror(true)
					b.PowerOn()
					time.Sleep(3400 * time.Millisecond)
					b.SetMirror(false)
					time.Sleep(2 * time.Second)
					attached, _ := b.Attached()
					return attached.Product
				}
				if got := hold(); got != productRun {
					t.Errorf("before: product %x", got)
				}
				if err := b.InstallMirror(); err != nil {
					t.Fatal(err)
				}
				if got := hold(); got != productDFU == mirrors {
					t.Errorf("installed: product %x", got)
				}
			})
		})
	}
}

func TestRegisterAsksForModes(t *testing.T) {
	for mode, product := range map[uint16]uint16{bootModeDFU: productDFU, bootModeSafe: productRun, 0: productRun} {
		inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
			running(t, b)
			b.RequestBoot(mode)
			reset := func() {
				b.SetReset(true)
				b.SetReset(false)
				time.Sleep(2 * time.Second)
			}
			reset()
			if attached, _ := b.Attached(); attached.Product != product || b.run.safe != (mode == bootModeSafe) {
				t.Errorf("%#x: product %x, safe mode %v", mode, attached.Product, b.run.safe)
			}
			reset()
			if attached, _ := b.Attached(); attached.Product != productRun || b.run.safe {
				t.Errorf("%#x: it is asked for twice", mode)
			}
		})
	}
}

func TestWicedBoards(t *testing.T) {
	onEach(t, Config{WicedApplication: true}, func(t *testing.T, b *Board) {
		b.PowerOn()
		time.Sleep(20 * time.Second)
		if _, attached := b.Attached(); attached {
			t.Error("it came up as a Duo")
		}
		b.PowerOff()
		b.SetSetup(true)
		b.PowerOn()
		time.Sleep(50 * time.Millisecond)
		if attached, _ := b.Attached(); attached.Product != productDFU {
			t.Errorf("with SETUP held: product %x, want DFU at once", attached.Product)
		}
		b.SetSetup(false)
		// The first block of a system part takes the flag back.
		usb, err := b.Open()
		if err != nil {
			t.Fatal(err)
		}
		h := host{t, usb}
		part1, _ := systemParts(b.config.SystemVersion, b.config.Seed)
		h.erase(altInternal, systemPart1At)
		h.must(h.write(altInternal, systemPart1At, part1[:transferSize]))
		flag := b.readStore(b.loaderStore(), b.loader.ExtraFlagsAt, 2)
		wants := uint16(wicedApplicationNo)
		if b.loader.EngineInParts { // part 1 is erased: there is no engine
			wants = wicedApplicationYes
		}
		if got := binary.LittleEndian.Uint16(flag); got != wants {
			t.Errorf("flag %#x, want %#x", got, wants)
		}
	})
}
