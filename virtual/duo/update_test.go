package virtualduo

import (
	"errors"
	"testing"
	"time"
)

// An upgrade from 0.2.4 to 0.3.1: the bootloader of 32 KiB comes to lie over
// the first copy of the DCT, so that the keys survive only in the second.
func TestUpgradeAcross030KeepsTheKeysOfTheSecondCopy(t *testing.T) {
	for name, second := range map[string]bool{"first copy current": false, "second copy current": true} {
		t.Run(name, func(t *testing.T) {
			config := Config{Bootloader: BootloaderR4(), UpdatesBootloader: true, WiFi: true}
			inBubble(t, config, func(t *testing.T, b *Board) {
				keyed(t, b)
				fingerprint := b.FirmwareFingerprint()
				if current, _ := (Wiced33{}).Current(Image(b.flash(b.firmwareStore()))); (current == 1) != second {
					for _, value := range []byte{0, 0xFF} { // one of them swaps
						if err := b.WriteDCT(2000, []byte{value}); err != nil {
							t.Fatal(err)
						}
					}
				}
				if current, _ := (Wiced33{}).Current(Image(b.flash(b.firmwareStore()))); (current == 1) != second {
					t.Fatalf("copy %d is current", current)
				}
				part1, part2 := systemParts(9, 1)
				if err := errors.Join(b.SetFlash(systemPart1At, part1), b.SetFlash(systemPart2At, part2)); err != nil {
					t.Fatal(err)
				}
				story := storyOf(b, BootloaderUpdate, KeyGenerated, Destroyed)
				b.PowerOn()
				time.Sleep(30 * time.Second)
				want := "[bootloader-update r5 key-generated]"
				if second {
					want = "[bootloader-update r5]"
				}
				if got := story(); got != want {
					t.Errorf("story %s, want %s", got, want)
				}
				if b.loader.Name != "r5" || (b.FirmwareFingerprint() == fingerprint) != second {
					t.Errorf("bootloader %s, the key stays: %v", b.loader.Name, b.FirmwareFingerprint() == fingerprint)
				}
			})
		})
	}
}

// The older firmware has its first copy where the bootloader goes on; the
// first write that needs a swap erases it.
func TestDowngradeBefore030DestroysTheBootloader(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		part1, part2 := systemParts(7, 1)
		if err := errors.Join(b.WriteDCT(privateKeyOffset, []byte{0xFF}),
			b.SetFlash(systemPart1At, part1), b.SetFlash(systemPart2At, part2)); err != nil {
			t.Fatal(err)
		}
		b.PowerOn()
		time.Sleep(30 * time.Second)
		if _, attached := b.Attached(); attached || b.Counters().Bricked != 1 {
			t.Errorf("on the bus: %v, %+v", attached, b.Counters())
		}
	})
}

func TestPowerCutWhileTheBootloaderIsReplaced(t *testing.T) {
	inBubble(t, Config{Bootloader: BootloaderR5(), SystemVersion: 11, UpdatesBootloader: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		broken(t, b, Faults{PowerCutAfter: 100})
		b.PowerOn()
		time.Sleep(10 * time.Second)
		b.PowerOn()
		time.Sleep(10 * time.Second)
		if b.Counters().Bricked != 1 {
			t.Errorf("%+v", b.Counters())
		}
	})
}

func TestWhenTheBootloaderIsReplaced(t *testing.T) {
	for _, c := range []struct {
		loader *Bootloader
		system uint16
		want   string
	}{
		{BootloaderR6(), 11, "r6"}, // it is the right one
		{BootloaderR5(), 11, "r6"},
		{BootloaderR5(), 10, "r6"},
		{BootloaderR6(), 9, "r6"}, // older systems only go upwards
		{BootloaderR3(), 7, "r4"},
		{BootloaderR3(), 2, "r3"}, // it has none that is known
	} {
		inBubble(t, Config{Bootloader: c.loader, SystemVersion: c.system, UpdatesBootloader: true, WiFi: true}, func(t *testing.T, b *Board) {
			b.PowerOn()
			time.Sleep(30 * time.Second)
			attached, _ := b.Attached()
			if b.loader.Name != c.want || attached.Product != productRun {
				t.Errorf("%s with system %d: %s, product %x", c.loader.Name, c.system, b.loader.Name, attached.Product)
			}
		})
	}
}
