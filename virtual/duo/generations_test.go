package virtualduo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// onEach runs a scenario on each bootloader with its newest system.
func onEach(t *testing.T, config Config, scenario func(t *testing.T, b *Board)) {
	t.Helper()
	for _, l := range bootloaders() {
		t.Run(l.Name, func(t *testing.T) {
			config.Bootloader = l
			inBubble(t, config, scenario)
		})
	}
}

func TestWhatTellsTheBootloadersApart(t *testing.T) {
	uid := [12]byte{0xAB, 0xCD, 0xEF, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, c := range []struct {
		name, serial, layout, four, five string
		release                          uint16
		winUSB                           bool
	}{
		{"r3", "00000000010C", "01*016Ka,02*016Kg,01*016Kg,01*064Kg,07*128Kg", "DFU Config", "DFU Interface", 0x0200, false},
		{"r4", "00000000010C", "01*016Ka,02*016Kg,01*016Kg,01*064Kg,07*128Kg", "DFU Config", "DFU Interface", 0x0200, false},
		{"r5", "ABCDEF010203040506070809", "02*016Ka,02*016Kg,01*064Kg,07*128Kg", "DFU", "DFU", 0x0250, true},
		{"r6", "abcdef010203040506070809", "02*016Ka,02*016Kg,01*064Kg,07*128Kg", "DFU", "DFU", 0x0250, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			loader, err := BootloaderByName(c.name)
			if err != nil {
				t.Fatal(err)
			}
			inBubble(t, Config{Bootloader: loader, UID: uid}, func(t *testing.T, b *Board) {
				h := dfuHost(t, b)
				if attached, _ := b.Attached(); attached.Serial != c.serial {
					t.Errorf("serial %q", attached.Serial)
				}
				for index, want := range map[uint16]string{
					3: c.serial, 4: c.four, 5: c.five, 6: "@Internal Flash   /0x08000000/" + c.layout,
				} {
					got, err := h.standard(fromDevice, getDescriptor, 0x0300|index, 0x0409, 255)
					if err != nil || !bytes.Equal(got, stringOf(want)) {
						t.Errorf("string %d: %q, %v", index, got, err)
					}
				}
				device, err := h.standard(fromDevice, getDescriptor, 0x0100, 0, 18)
				if err != nil || device[12] != byte(c.release) || device[13] != byte(c.release>>8) {
					t.Errorf("device % x, %v", device, err)
				}
				if _, err := h.standard(fromDevice, getDescriptor, 0x03EE, 0, 18); stalls(err) == c.winUSB {
					t.Errorf("string EE: %v", err)
				}
				version := h.read(altInternal, 0x0800018E, 2)
				if got := fmt.Sprintf("r%d", version[0]); got != c.name || version[1] != 0 {
					t.Errorf("module_version % x", version)
				}
			})
		})
	}
	if _, err := BootloaderByName("r7"); err == nil {
		t.Error("there is an r7")
	}
}

func TestTwoOldBoardsHaveTheSameSerialNumber(t *testing.T) {
	inBubble(t, Config{Bootloader: BootloaderR3(), Seed: 1, WiFi: true}, func(t *testing.T, first *Board) {
		second := New(Config{Bootloader: BootloaderR4(), Seed: 2, WiFi: true})
		defer second.Close()
		serials := func(mode func(b *Board)) (one, other string) {
			for _, b := range []*Board{first, second} {
				mode(b)
			}
			a, _ := first.Attached()
			b, _ := second.Attached()
			return a.Serial, b.Serial
		}
		if one, other := serials(func(b *Board) { running(t, b) }); one == other || len(one) != 24 {
			t.Errorf("running: %s and %s", one, other)
		}
		if one, other := serials(func(b *Board) { dfuHost(t, b) }); one != other || one != namelessSerial {
			t.Errorf("in DFU: %s and %s", one, other)
		}
	})
}

func TestDCTAndProtectedAreaOfEachBootloader(t *testing.T) {
	onEach(t, Config{}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		h := dfuHost(t, b)
		if got := h.read(altDCT, privateKeyOffset, len(key)); !bytes.Equal(got, key) {
			t.Error("alternate setting 1 does not show the key")
		}
		first, second := b.loader.DCT[0], b.loader.DCT[1]
		raw := append(h.read(altInternal, first, CopySize), h.read(altInternal, second, CopySize)...)
		if !bytes.Contains(raw, key) {
			t.Errorf("no key between %#x and %#x", first, second+CopySize)
		}
		if err := h.run(0, pointer(commandErase, first-1)); !stalls(err) {
			t.Errorf("erasing the bootloader: %v, want a stall", err)
		}
		h.erase(altInternal, first)
		if got := h.read(altInternal, first, 4); !isBlank(got) {
			t.Errorf("erased sector % x", got)
		}
	})
}

func TestPollTimesOfEachBootloader(t *testing.T) {
	want := map[string]byte{"r3": 5, "r4": 5, "r5": 0, "r6": 0}
	onEach(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.alt(altInternal)
		for _, command := range []byte{commandSetAddress, commandErase} {
			h.must(h.out(dfuDownload, 0, pointer(command, userPartAt)))
			status, err := h.status()
			h.must(err)
			if status[1] != want[b.loader.Name] {
				t.Errorf("command %#x: poll %d", command, status[1])
			}
			_, err = h.status()
			h.must(err)
		}
	})
}

func TestFailedReadsOfEachBootloader(t *testing.T) {
	onEach(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.must(h.write(altSerial, 0x1000, []byte("abcdefgh")))
		_ = h.read(altSerial, 0x1000, 8)
		got := h.read(altDCT, CopySize, 8)
		want := append(pointer(commandSetAddress, CopySize), "fgh"...)
		if b.loader.Name == "r6" {
			want = make([]byte, 8)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("a failed read shows % x, want % x", got, want)
		}
	})
}

func TestOnlyR3DoesNotSeeFlashThatWasNotErased(t *testing.T) {
	onEach(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.must(h.write(altInternal, userPartAt, []byte{0xF0, 0, 0, 0}))
		err := h.write(altInternal, userPartAt, []byte{0x0F, 0, 0, 0})
		if stalls(err) == (b.loader.Name == "r3") {
			t.Errorf("writing ones: %v", err)
		}
		if got := h.read(altInternal, userPartAt, 1); got[0] != 0 {
			t.Errorf("read %#x", got[0])
		}
	})
}

// Bootloaders that keep their flags in the DCT write it to leave, and the
// firmware writes it again to disarm the watchdog, which needs a swap.
func TestLeavingWritesTheDCTOfOldBoards(t *testing.T) {
	onEach(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		fingerprint := b.FirmwareFingerprint()
		h := dfuHost(t, b)
		before := bytes.Clone(b.flash(b.loaderStore()))
		story := storyOf(b, Booted, Reset, BusJoined, BusLeft)
		h.must(h.out(dfuDownload, 0, nil))
		_, err := h.status()
		h.must(err)
		time.Sleep(20 * time.Second)
		want := "[detached reset system booted run reset system booted run attached c058]"
		if got := story(); got != want {
			t.Errorf("story %s", got)
		}
		if same := bytes.Equal(before, b.flash(b.loaderStore())); same != (b.loader.Name == "r6") {
			t.Errorf("the DCT sectors are the same: %v", same)
		}
		if b.FirmwareFingerprint() != fingerprint || fingerprint == "" {
			t.Error("the key has changed")
		}
	})
}

// The documented restore of a whole dump brings 16350 bytes to offset 34, of
// which the last block runs over the end of the sector.
func TestOverlongRestoreOfEachBootloader(t *testing.T) {
	onEach(t, Config{}, func(t *testing.T, b *Board) {
		keyed(t, b)
		h := dfuHost(t, b)
		s := b.loaderStore()
		current, _ := s.engine.Current(Image(bytes.Clone(b.flash(s))))
		behind := func() []byte { return b.Flash()[s.offset(current)+CopySize:][:16] }
		before := behind()
		h.alt(altDCT)
		h.setAddress(privateKeyOffset)
		err := h.run(firstDataBlock+2, synthetic("restore", 1, transferSize))
		if spills := b.loader.Name != "r6"; bytes.Equal(behind(), before) == spills || stalls(err) == spills {
			t.Errorf("behind the sector % x, %v", behind(), err)
		}
	})
}

func TestReleasesAndTheirVersions(t *testing.T) {
	for _, release := range Releases() {
		t.Run(release.Name, func(t *testing.T) {
			loader := BootloaderR3()
			for _, l := range bootloaders() {
				if l.Version == release.Bootloader {
					loader = l
				}
			}
			inBubble(t, Config{Bootloader: loader, SystemVersion: release.Version}, func(t *testing.T, b *Board) {
				b.PowerOn()
				time.Sleep(20 * time.Second)
				said := b.SerialCommand('v')
				want := release.Name
				if want == "0.3.2" {
					want = "0.3.1"
				}
				if !strings.Contains(said, want) {
					t.Errorf("said %q", said)
				}
				named := !isBlank(b.application(deviceIDOffset, deviceIDLength))
				if named != (release.Version >= 8) {
					t.Errorf("the device id is stored: %v", named)
				}
			})
		})
	}
}

// The new bootloader does not take the engine of 0.3.0; the firmware has it.
func TestR6WithTooOldSystemParts(t *testing.T) {
	inBubble(t, Config{SystemVersion: 8, WiFi: true}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		h := dfuHost(t, b)
		if got := h.read(altDCT, privateKeyOffset, 16); !bytes.Equal(got, make([]byte, 16)) {
			t.Errorf("alternate setting 1 shows % x", got)
		}
		if err := h.write(altDCT, privateKeyOffset, []byte{0}); !stalls(err) {
			t.Errorf("write: %v, want a stall", err)
		}
		if !bytes.Contains(h.read(altInternal, 0x08008000, ImageSize), key) {
			t.Error("no key in the raw sectors")
		}
		b.PowerOff()
		b.PowerOn()
		time.Sleep(5 * time.Second)
		if b.FirmwareFingerprint() == "" || b.Counters().KeyGenerations != 0 {
			t.Errorf("the firmware does not find its key: %+v", b.Counters())
		}
		if !b.firmwareStore().engine.Valid(Image(b.flash(b.firmwareStore()))) || b.release().Engine != (Wiced33{}) {
			t.Error("the firmware does not use the old engine")
		}
	})
}

// P1
func TestPowerCutInAWriteOnOldBoards(t *testing.T) {
	block := synthetic("block", 1, 2560)
	for _, cut := range []int{1, 300, 640, 641, 642, 3000, 4638, 4639} {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			inBubble(t, Config{Bootloader: BootloaderR5()}, func(t *testing.T, b *Board) {
				keyed(t, b)
				h := dfuHost(t, b)
				before := b.ApplicationDCT()
				after := bytes.Clone(before)
				copy(after[privateKeyOffset:], block)
				first := b.Counters().FlashOps
				b.OnFlashOp(func(n int) bool { return n == first+cut })
				h.alt(altDCT)
				h.setAddress(privateKeyOffset)
				h.must(h.out(dfuDownload, firstDataBlock, block))
				if _, err := h.status(); !isGone(err) {
					t.Errorf("status at the cut: %v, want gone", err)
				}
				b.OnFlashOp(nil)
				got := dfuHost(t, b).read(altDCT, 0, Limit33)
				if !bytes.Equal(got, before) && !bytes.Equal(got, after) && !isMixture(got, before, after) {
					t.Error("neither old, new nor old AND new")
				}
			})
		})
	}
}

func TestADamagedBootloaderIsTheEnd(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		if err := errors.Join(b.Commission(), b.SetFlash(0x08004000, blankMemory(16))); err != nil {
			t.Fatal(err)
		}
		b.PowerOn()
		time.Sleep(20 * time.Second)
		if _, attached := b.Attached(); attached || b.Counters().Bricked != 1 {
			t.Errorf("on the bus: %v, %+v", attached, b.Counters())
		}
	})
}
