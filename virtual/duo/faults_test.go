package virtualduo

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"
)

// broken sets faults that are sound.
func broken(t *testing.T, b *Board, faults Faults) {
	t.Helper()
	if err := b.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
}

// struck counts how often a fault has struck.
func struck(b *Board, what string) func() int {
	count := 0
	b.OnEvent(func(event Event) {
		if event.What == Faulted && strings.Contains(event.Detail, what) {
			count++
		}
	})
	return func() int { b.lock(); defer b.unlock(); return count }
}

func TestPowerCutAfterFlashOperations(t *testing.T) {
	onEach(t, Config{}, func(t *testing.T, b *Board) {
		keyed(t, b)
		h := dfuHost(t, b)
		before := b.Counters().FlashOps
		broken(t, b, Faults{PowerCutAfter: 2})
		h.alt(altDCT)
		h.setAddress(privateKeyOffset)
		h.must(h.out(dfuDownload, firstDataBlock, synthetic("block", 1, 2560)))
		if _, err := h.status(); !isGone(err) {
			t.Errorf("status: %v, want gone", err)
		}
		if c := b.Counters(); c.FlashOps != before+2 || c.PowerCuts != 1 || b.Powered() {
			t.Errorf("%+v after %d operations", c, before)
		}
		h = dfuHost(t, b)
		h.must(h.write(altDCT, privateKeyOffset, []byte{0})) // it strikes once
	})
}

func TestUnplugInTheMiddleOfATransfer(t *testing.T) {
	block := synthetic("block", 1, 2560)
	moments := map[time.Duration]bool{}
	for seed := range uint64(4) {
		inBubble(t, Config{}, func(t *testing.T, b *Board) {
			keyed(t, b)
			h := dfuHost(t, b)
			h.alt(altDCT)
			h.setAddress(privateKeyOffset)
			begun := time.Now()
			broken(t, b, Faults{Seed: seed, UnplugAfter: 2})
			h.must(h.out(dfuDownload, firstDataBlock, block))
			if _, err := h.status(); !isGone(err) {
				t.Errorf("status: %v, want gone", err)
			}
			moments[time.Since(begun)] = true
			if b.Powered() {
				t.Error("the board still has power")
			}
		})
	}
	if len(moments) < 2 {
		t.Errorf("the moments do not follow the seed: %v", moments)
	}
}

func TestStalledStatusLeavesTheOperationPending(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		stalledOnes := struck(b, "GETSTATUS")
		broken(t, b, Faults{StallStatus: 1})
		h.must(h.out(dfuDownload, 0, pointer(commandErase, userPartAt)))
		for range 3 {
			if _, err := h.status(); !stalls(err) {
				t.Errorf("status: %v, want a stall", err)
			}
		}
		if stalledOnes() != 3 || b.Counters().HostErases != 0 {
			t.Errorf("%d stalls, %+v", stalledOnes(), b.Counters())
		}
		broken(t, b, Faults{})
		if status, err := h.status(); err != nil || status[4] != stateDownloadBusy {
			t.Errorf("status % x, %v", status, err)
		}
	})
}

func TestSomeStatusesStallWithAChance(t *testing.T) {
	count := func(seed uint64) (stalled int) {
		inBubble(t, Config{}, func(t *testing.T, b *Board) {
			h := dfuHost(t, b)
			broken(t, b, Faults{Seed: seed, StallStatus: 0.3})
			for range 200 {
				if _, err := h.status(); stalls(err) {
					stalled++
				}
			}
		})
		return stalled
	}
	if first, again := count(1), count(1); first != again || first < 30 || first > 90 {
		t.Errorf("%d and %d stalls of 200", first, again)
	}
}

func TestLostWritesSeemToWork(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		keyed(t, b)
		h := dfuHost(t, b)
		broken(t, b, Faults{LoseWrites: 1})
		before, begun := b.Flash(), time.Now()
		h.must(h.write(altDCT, privateKeyOffset, make([]byte, 2560)))
		h.must(h.write(altInternal, userPartAt, []byte{1}))
		if time.Since(begun) < 300*time.Millisecond || !bytes.Equal(b.Flash(), before) {
			t.Errorf("it took %v and changed the flash: %v", time.Since(begun), !bytes.Equal(b.Flash(), before))
		}
		if b.Counters().HostWrites != 2 {
			t.Errorf("%+v", b.Counters())
		}
		broken(t, b, Faults{})
		h.must(h.write(altInternal, userPartAt, []byte{1}))
		if got := h.read(altInternal, userPartAt, 1); got[0] != 1 {
			t.Error("a sound board loses writes")
		}
	})
}

func TestZerosForARead(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		h := dfuHost(t, b)
		broken(t, b, Faults{ZeroReads: 1})
		if got := h.read(altDCT, privateKeyOffset, len(key)); !bytes.Equal(got, make([]byte, len(key))) {
			t.Error("it shows something else")
		}
		broken(t, b, Faults{})
		if got := h.read(altDCT, privateKeyOffset, len(key)); !bytes.Equal(got, key) {
			t.Error("the key is not there")
		}
	})
}

func TestBitRotInADCTCopy(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		keyed(t, b)
		before := b.Flash()
		broken(t, b, Faults{Seed: 7, RottenBits: 5, RottenCopy: 1})
		after := b.Flash()
		changed := 0
		for i := range after {
			for difference := after[i] ^ before[i]; difference != 0; difference &= difference - 1 {
				changed++
				if i < 0xC000 || i >= 0x10000 {
					t.Errorf("a bit of %#x has changed", i)
				}
			}
		}
		if changed != 5 {
			t.Errorf("%d bits have changed", changed)
		}
	})
}

func TestASilentBoardNeverEnumerates(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		broken(t, b, Faults{Silent: true})
		b.PowerOn()
		time.Sleep(time.Minute)
		if _, attached := b.Attached(); attached || b.Light() != lightConnecting {
			t.Errorf("on the bus: %v, light %+v", attached, b.Light())
		}
		broken(t, b, Faults{})
		if attached, _ := b.Attached(); attached.Product != productRun {
			t.Errorf("without the fault: product %x", attached.Product)
		}
	})
}

// P2
func TestStuckLines(t *testing.T) {
	for _, c := range []struct {
		name    string
		faults  Faults
		product uint16 // after a gesture, 0 for none
		held    bool   // the lines after it
	}{
		{"RESET low", Faults{Reset: StuckLow}, 0, true},
		{"RESET high", Faults{Reset: StuckHigh}, productRun, false},
		{"SETUP low", Faults{Setup: StuckLow}, productDFU, true},
		{"SETUP high", Faults{Setup: StuckHigh}, productRun, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
				keyed(t, b)
				b.PowerOn()
				time.Sleep(5 * time.Second)
				broken(t, b, c.faults)
				b.SetSetup(true)
				b.SetReset(true)
				time.Sleep(20 * time.Millisecond)
				b.SetReset(false)
				time.Sleep(3400 * time.Millisecond)
				b.SetSetup(false)
				time.Sleep(5 * time.Second)
				attached, _ := b.Attached()
				resetLow, setupLow := b.Lines()
				if attached.Product != c.product || (resetLow || setupLow) != c.held {
					t.Errorf("product %x, RESET low %v, SETUP low %v", attached.Product, resetLow, setupLow)
				}
				broken(t, b, Faults{})
				if resetLow, setupLow := b.Lines(); resetLow || setupLow {
					t.Error("without the fault the lines are not up")
				}
			})
		})
	}
}

// P1: a backup is there before the key is touched, because of this.
func TestBrownOutWhileTheKeyIsWritten(t *testing.T) {
	onEach(t, Config{}, func(t *testing.T, b *Board) {
		keyed(t, b)
		h := dfuHost(t, b)
		before := b.ApplicationDCT()
		block := synthetic("block", 1, privateKeyReserved)
		after := bytes.Clone(before)
		copy(after[privateKeyOffset:], block)
		broken(t, b, Faults{Seed: 3, BrownOut: true})
		story := storyOf(b, Faulted, Reset, Powered)
		h.alt(altDCT)
		h.setAddress(privateKeyOffset)
		h.must(h.out(dfuDownload, firstDataBlock, block))
		if _, err := h.status(); !isGone(err) {
			t.Errorf("status: %v, want gone", err)
		}
		time.Sleep(10 * time.Second)
		if got := story(); !strings.HasPrefix(got, "[fault brown-out while a key is programmed reset brown-out") {
			t.Errorf("story %s", got)
		}
		got := b.ApplicationDCT()
		if b.loader.Name == "r6" && !bytes.Equal(got, before) || bytes.Equal(got, after) {
			t.Error("wrong DCT")
		}
		if b.loader.Name == "r6" && !isWeak(b, block) {
			t.Error("all bits were programmed")
		}
		h = dfuHost(t, b)
		h.must(h.write(altDCT, privateKeyOffset, block))
		if !bytes.Equal(h.read(altDCT, privateKeyOffset, len(block)), block) {
			t.Error("writing again does not repair it")
		}
	})
}

// isWeak says whether some byte of the copy that is not current was programmed
// to something else than block at the key.
func isWeak(b *Board, block []byte) bool {
	s := b.loaderStore()
	flash := Image(b.flash(s))
	current, _ := s.engine.Current(flash)
	other := flash.Read((1-current)*CopySize+applicationOffset+privateKeyOffset, len(block))
	for i, value := range other {
		if value != 0xFF && value != block[i] {
			return true
		}
	}
	return false
}

func TestABorrowedSerialNumber(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		broken(t, b, Faults{Serial: "0123456789ab0123456789ab"})
		h := dfuHost(t, b)
		attached, _ := b.Attached()
		text, err := h.standard(fromDevice, getDescriptor, 0x0303, 0x0409, 255)
		if err != nil || attached.Serial != "0123456789ab0123456789ab" || !bytes.Equal(text, stringOf(attached.Serial)) {
			t.Errorf("serial %q, string % x, %v", attached.Serial, text, err)
		}
	})
}

func TestAPhotonInTheBay(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		broken(t, b, Faults{Photon: true})
		b.PowerOn()
		time.Sleep(5 * time.Second)
		if attached, _ := b.Attached(); attached.Product != 0xC006 {
			t.Errorf("running: product %x", attached.Product)
		}
		b.PowerOff()
		gesture(b, 3400*time.Millisecond)
		attached, _ := b.Attached()
		usb, err := b.Open()
		if err != nil {
			t.Fatal(err)
		}
		h := host{t, usb}
		device, err := h.standard(fromDevice, getDescriptor, 0x0100, 0, 18)
		if err != nil || binary.LittleEndian.Uint16(device[10:]) != 0xD006 || attached.Product != 0xD006 {
			t.Errorf("in DFU: product %x, device % x, %v", attached.Product, device, err)
		}
		if err := usb.SelectAlt(context.Background(), 2); !stalls(err) {
			t.Errorf("alternate setting 2: %v, want a stall", err)
		}
	})
}

func TestDataLinesAwayAndBack(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		b.SetLinked(false)
		if _, err := h.status(); !isGone(err) {
			t.Errorf("status: %v, want gone", err)
		}
		time.Sleep(time.Second)
		b.SetLinked(true)
		if attached, _ := b.Attached(); attached.Product != productDFU || attached.Number != 2 || b.Counters().Resets != 1 {
			t.Errorf("%+v, %+v", attached, b.Counters())
		}
	})
}

func TestFaultsThatMakeNoSenseAreRefused(t *testing.T) {
	b := New(Config{})
	defer b.Close()
	for name, faults := range map[string]Faults{
		"chance over 1":      {StallStatus: 1.1},
		"negative chance":    {LoseWrites: -0.1},
		"chance that is NaN": {ZeroReads: math.NaN()},
		"negative count":     {PowerCutAfter: -1},
		"no such level":      {Reset: "middle"},
		"no such copy":       {RottenBits: 1, RottenCopy: 2},
	} {
		if err := b.SetFaults(faults); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
