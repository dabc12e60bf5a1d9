package virtualduo

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a scenario with a board that is taken off at its end.
func inBubble(t *testing.T, config Config, scenario func(t *testing.T, b *Board)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := New(config)
		defer b.Close()
		scenario(t, b)
	})
}

// keyed gives the board a key and the marks of an earlier life.
func keyed(t *testing.T, b *Board) []byte {
	t.Helper()
	key := oneKey()
	if err := errors.Join(b.InstallKey(key), b.Commission()); err != nil {
		t.Fatal(err)
	}
	return key
}

// oneKey is the same key each time: making one takes its time.
var oneKey = sync.OnceValue(func() []byte { return GenerateKey(4711).Reveal() })

// gesture powers the board with SETUP held for a time from the start.
func gesture(b *Board, held time.Duration) {
	b.SetSetup(true)
	b.PowerOn()
	b.SetReset(true)
	time.Sleep(20 * time.Millisecond)
	b.SetReset(false)
	time.Sleep(held)
	b.SetSetup(false)
	time.Sleep(50 * time.Millisecond)
}

func TestScenario1ReadsAValidKey(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		got := dfuHost(t, b).read(altDCT, privateKeyOffset, len(key))
		if !bytes.Equal(got, key) {
			t.Error("the key that was read is another one")
		}
		if b.FirmwareFingerprint() == "" {
			t.Error("the firmware cannot use the key")
		}
	})
}

func TestScenario2ErasedKeyIsMadeAnewBeforeUSB(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		story := storyOf(b, Powered, Booted, KeyGenerated, Reset, BusJoined)
		b.PowerOn()
		time.Sleep(8 * time.Second)
		if _, attached := b.Attached(); attached || b.Light() != lightKey {
			t.Errorf("while the key is made: on the bus %v, light %+v", attached, b.Light())
		}
		time.Sleep(10 * time.Second)
		want := "[power on booted run key-generated reset system booted run attached c058]"
		if got := story(); got != want {
			t.Errorf("story %s, want %s", got, want)
		}
		key := b.application(privateKeyOffset, privateKeyReserved)
		if !bytes.Equal(key[:4], []byte{0x30, 0x82, 0x02, 0x5F}) || key[611] != 0xFF || key[612] != 0xFF {
			t.Errorf("the key field begins % x and ends % x", key[:4], key[611:613])
		}
		if !bytes.Equal(b.application(publicKeyOffset, publicKeyField), publicKeyFieldOf(key)) {
			t.Error("the public key field does not follow the private key")
		}
		if b.FirmwareFingerprint() == "" || b.Counters().KeyGenerations != 1 {
			t.Errorf("fingerprint %q, counters %+v", b.FirmwareFingerprint(), b.Counters())
		}
		if id := b.application(deviceIDOffset, deviceIDLength); !bytes.Equal(id, b.config.UID[:]) {
			t.Errorf("device id field % x", id)
		}
	})
}

// storyOf collects the events of some kinds, and tells them in words.
func storyOf(b *Board, kinds ...What) func() string {
	var story []string
	b.OnEvent(func(event Event) {
		if !slices.Contains(kinds, event.What) {
			return
		}
		story = append(story, string(event.What))
		if event.Detail != "" {
			story = append(story, event.Detail)
		}
	})
	return func() string {
		b.lock()
		defer b.unlock()
		return fmt.Sprint(story)
	}
}

func TestResetBlobOverDFUMakesTheBoardRegenerate(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		before := b.FirmwareFingerprint()
		h := dfuHost(t, b)
		blob := make([]byte, privateKeyReserved)
		fill(blob[:4], 0xFF)
		h.must(h.write(altDCT, privateKeyOffset, blob))
		story := storyOf(b, Booted, KeyGenerated, Reset, BusJoined, BusLeft)
		h.must(h.out(dfuDownload, 0, nil))
		_, err := h.status()
		h.must(err)
		time.Sleep(20 * time.Second)
		want := "[detached reset system booted run reset system booted run key-generated reset system booted run attached c058]"
		if got := story(); got != want {
			t.Errorf("story %s, want %s", got, want)
		}
		if after := b.FirmwareFingerprint(); after == "" || after == before {
			t.Errorf("key %q after %q", after, before)
		}
		if rest := b.application(privateKeyOffset+privateKeyStored-1, 2); !bytes.Equal(rest, []byte{0, 0}) {
			t.Errorf("bytes 611 and 612 are % x, want them as before", rest)
		}
	})
}

func TestScenario3ZeroedAndCorruptKeysStay(t *testing.T) {
	for name, damage := range map[string]func(b *Board) error{
		"zeroed":  (*Board).ZeroKey,
		"corrupt": func(b *Board) error { return b.DamageKey(300, 40) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
				keyed(t, b)
				if err := damage(b); err != nil {
					t.Fatal(err)
				}
				before := b.ApplicationDCT()
				b.PowerOn()
				time.Sleep(time.Minute)
				if got := b.Counters(); got.KeyGenerations != 0 || got.Resets != 0 {
					t.Errorf("counters %+v", got)
				}
				if !bytes.Equal(b.ApplicationDCT(), before) || b.FirmwareFingerprint() != "" {
					t.Error("the firmware changed the DCT, or can use the key")
				}
			})
		})
	}
}

func TestScenario4WithoutPart2TheDCTIsZerosAndStalls(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		h := dfuHost(t, b)
		part2 := b.Flash()[systemPart2At-flashBase:][:32<<10+crcSize]
		h.erase(altInternal, systemPart2At)
		if got := h.read(altDCT, privateKeyOffset, len(key)); !bytes.Equal(got, make([]byte, len(key))) {
			t.Error("an unreachable DCT does not read as zeros")
		}
		before := b.Flash()
		if err := h.write(altDCT, privateKeyOffset, []byte{1, 2, 3}); !stalls(err) {
			t.Errorf("write: %v, want a stall", err)
		}
		if !bytes.Equal(b.Flash(), before) {
			t.Error("the refused write changed the flash")
		}
		raw := h.read(altInternal, 0x08008000+applicationOffset+privateKeyOffset, len(key))
		raw2 := h.read(altInternal, 0x0800C000+applicationOffset+privateKeyOffset, len(key))
		if !bytes.Equal(raw, key) && !bytes.Equal(raw2, key) {
			t.Error("the raw sectors do not have the key")
		}
		// The functions are looked for at each access: no reset is needed.
		h.writeAll(altInternal, systemPart2At, part2)
		if got := h.read(altDCT, privateKeyOffset, len(key)); !bytes.Equal(got, key) {
			t.Error("the DCT did not come back with part 2")
		}
	})
}

// P1
func TestScenario5PowerCutInAWrite(t *testing.T) {
	block := synthetic("block", 1, 2560)
	operations := opsOf(t, block)
	// The third operation from the end is the commit byte.
	for _, cut := range []int{1, 2, 3, 1000, operations / 2, operations - 3, operations - 2, operations - 1, operations} {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, b *Board) {
				keyed(t, b)
				h := dfuHost(t, b)
				old := b.ApplicationDCT()
				wanted := slices.Clone(old)
				if cut > operations-2 {
					copy(wanted[privateKeyOffset:], block)
				}
				first := b.Counters().FlashOps
				b.OnFlashOp(func(n int) bool { return n == first+cut })
				h.alt(altDCT)
				h.setAddress(privateKeyOffset)
				h.must(h.out(dfuDownload, firstDataBlock, block))
				if _, err := h.status(); !isGone(err) {
					t.Errorf("status at the cut: %v, want gone", err)
				}
				if b.Powered() || b.Counters().FlashOps != first+cut-1 {
					t.Errorf("powered %v, %d operations", b.Powered(), b.Counters().FlashOps-first)
				}
				b.OnFlashOp(nil)
				if !bytes.Equal(b.ApplicationDCT(), wanted) {
					t.Error("wrong DCT at once")
				}
				got := dfuHost(t, b).read(altDCT, 0, len(wanted))
				if !bytes.Equal(got, wanted) {
					t.Error("wrong DCT after the next boot")
				}
			})
		})
	}
}

// opsOf counts the flash operations of a write of a block at the key.
func opsOf(t *testing.T, block []byte) (operations int) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		keyed(t, b)
		h := dfuHost(t, b)
		before := b.Counters().FlashOps
		h.must(h.write(altDCT, privateKeyOffset, block))
		operations = b.Counters().FlashOps - before
	})
	return operations
}

func TestPowerOffInTheMiddleOfAnErase(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		h := dfuHost(t, b)
		h.alt(altDCT)
		h.setAddress(privateKeyOffset)
		h.must(h.out(dfuDownload, firstDataBlock, []byte{0}))
		time.AfterFunc(100*time.Millisecond, b.PowerOff)
		if _, err := h.status(); !isGone(err) {
			t.Errorf("status: %v, want gone", err)
		}
		if got := b.Counters().PowerCuts; got != 1 {
			t.Errorf("%d cuts of flash work", got)
		}
		if got := dfuHost(t, b).read(altDCT, privateKeyOffset, len(key)); !bytes.Equal(got, key) {
			t.Error("the key is lost")
		}
	})
}

func TestScenario7LeaveTakes500msAndTwoResets(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		h := dfuHost(t, b)
		h.must(h.out(dfuDownload, 0, nil))
		resets := b.Counters().Resets
		time.Sleep(time.Minute)
		if _, attached := b.Attached(); !attached || b.Counters().Resets != resets {
			t.Fatal("the board left without a GETSTATUS")
		}
		for i, want := range []byte{stateDownloadIdle, stateManifestReset} {
			if status, err := h.status(); err != nil || status[4] != want {
				t.Errorf("status %d: % x, %v, want state %d", i, status, err, want)
			}
		}
		time.Sleep(499 * time.Millisecond)
		if _, attached := b.Attached(); !attached {
			t.Error("gone after 499 ms")
		}
		time.Sleep(2 * time.Millisecond)
		if _, attached := b.Attached(); attached {
			t.Error("not gone after 501 ms")
		}
		time.Sleep(5 * time.Second)
		attached, _ := b.Attached()
		if attached.Product != productRun || b.Counters().Resets != resets+2 {
			t.Errorf("product %x after %d resets", attached.Product, b.Counters().Resets-resets)
		}
		if _, err := h.status(); !isGone(err) {
			t.Errorf("the old handle: %v, want gone", err)
		}
	})
}

func TestScenario8UploadOfBlock1LosesTheState(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		if _, err := h.in(dfuUpload, 1, 64); !stalls(err) {
			t.Errorf("upload of block 1: %v, want a stall", err)
		}
		h.stateIs(stateLost)
		h.must(h.out(dfuAbort, 0, nil))
		h.stateIs(stateLost)
		h.must(h.out(dfuClearStatus, 0, nil))
		h.stateIs(stateError)
		h.must(h.out(dfuClearStatus, 0, nil))
		h.stateIs(stateIdle)
	})
}

func TestScenario9ClearStatusInIdleIsAnError(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.must(h.out(dfuClearStatus, 0, nil))
		if status, err := h.status(); err != nil || status[0] != statusUnknown || status[4] != stateError {
			t.Errorf("status % x, %v", status, err)
		}
		if err := h.out(dfuDownload, 0, []byte{0}); !stalls(err) {
			t.Errorf("download in the error state: %v, want a stall", err)
		}
		h.must(h.out(dfuClearStatus, 0, nil))
		if status, err := h.status(); err != nil || status[0] != 0 || status[4] != stateIdle {
			t.Errorf("status % x, %v", status, err)
		}
	})
}

// P2
func TestScenario10HowLongSetupIsHeld(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		held           time.Duration
		image          bool
		light          Light // just before the release
		usbHeld        bool  // on the bus before the release
		product        uint16
		resets, wipes  int
		afterwardsSafe bool
	}{
		{s / 2, false, lightDark, false, productRun, 0, 0, false},
		{2 * s, false, lightSafe, false, productRun, 0, 0, true},
		{4 * s, false, lightDFU, true, productDFU, 0, 0, false},
		{8 * s, false, lightDFU, true, productDFU, 0, 0, false},
		{11 * s, false, lightDFU, true, productDFU, 0, 0, false},
		{15 * s, false, lightDFU, true, productDFU, 0, 0, false},
		{s / 2, true, lightDark, false, productRun, 0, 0, false},
		{2 * s, true, lightSafe, false, productRun, 0, 0, true},
		{4 * s, true, lightDFU, false, productDFU, 0, 0, false},
		{6490 * time.Millisecond, true, lightDFU, false, productDFU, 0, 0, false},
		{8 * s, true, lightFactory, false, productRun, 1, 0, false},
		{11 * s, true, lightWipe, false, productRun, 1, 1, false},
		// The loop ends at 12 s; after the restore the button is still down.
		{15 * s, true, lightSafe, false, productRun, 1, 1, true},
	} {
		t.Run(fmt.Sprintf("%v image %v", c.held, c.image), func(t *testing.T) {
			inBubble(t, Config{WiFi: true, FactoryImage: c.image}, func(t *testing.T, b *Board) {
				keyed(t, b)
				b.SetSetup(true)
				b.PowerOn()
				time.Sleep(c.held)
				_, attached := b.Attached()
				if light := b.Light(); light != c.light || attached != c.usbHeld {
					t.Errorf("held: light %+v, on the bus %v", light, attached)
				}
				b.SetSetup(false)
				time.Sleep(10 * s)
				now, _ := b.Attached()
				counters := b.Counters()
				if now.Product != c.product || counters.FactoryResets != c.resets || counters.WiFiWipes != c.wipes {
					t.Errorf("afterwards: product %x, %+v", now.Product, counters)
				}
				if safe := b.run.safe; safe != c.afterwardsSafe {
					t.Errorf("safe mode %v", safe)
				}
				if b.HasWiFi() == (c.wipes > 0) {
					t.Errorf("Wi-Fi credentials: %v", b.HasWiFi())
				}
			})
		})
	}
}

// P2
func TestResetUnderAHeldButtonStartsTheCountAnew(t *testing.T) {
	inBubble(t, Config{WiFi: true, FactoryImage: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		b.SetSetup(true)
		b.PowerOn()
		time.Sleep(11 * time.Second)
		b.SetReset(true)
		b.SetSetup(false)
		time.Sleep(20 * time.Millisecond)
		b.SetReset(false)
		time.Sleep(5 * time.Second)
		if attached, _ := b.Attached(); attached.Product != productRun || b.Counters().FactoryResets != 0 {
			t.Errorf("product %x, %+v", attached.Product, b.Counters())
		}
	})
}

func TestFactoryResetReplacesTheProgramOnly(t *testing.T) {
	inBubble(t, Config{FactoryImage: true, WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		before := b.ApplicationDCT()
		gesture(b, 8*time.Second)
		time.Sleep(5 * time.Second)
		image := factoryImage(b.config.SystemVersion, b.config.Seed)
		if !bytes.Equal(b.Flash()[userPartAt-flashBase:][:len(image)], image) {
			t.Error("the user part is not the factory image")
		}
		if !bytes.Equal(b.ApplicationDCT(), before) {
			t.Error("the DCT has changed")
		}
	})
}

func TestScenario11GoldenImagesOverDFU(t *testing.T) {
	factory, blob := published(t, "fac-dct-r1.bin"), published(t, "reset_device_private_key.bin")
	server := published(t, "server_public_key.der")
	first, second := published(t, "new-1-facdct-then-reset34.bin"), published(t, "new-2-then-serverkey2082.bin")
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		if err := b.LoadDCT(factory); err != nil {
			t.Fatal(err)
		}
		h := dfuHost(t, b)
		h.must(h.write(altDCT, privateKeyOffset, blob))
		sameImage(t, b.Flash()[0x8000:0x10000], first)
		h.must(h.write(altDCT, serverKeyOffset, server))
		sameImage(t, b.Flash()[0x8000:0x10000], second)
		if !bytes.Equal(h.read(altInternal, 0x08008000, ImageSize), second) {
			t.Error("the raw read is another image")
		}
	})
}

func TestScenario11BlankFlashOverDFU(t *testing.T) {
	want := published(t, "new-init-from-blank.bin")
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.erase(altInternal, 0x08008000)
		h.erase(altInternal, 0x0800C000)
		if got := h.read(altDCT, 0, 100); !bytes.Equal(got, blankMemory(100)) {
			t.Errorf("read % x", got)
		}
		sameImage(t, b.Flash()[0x8000:0x10000], want)
		if b.Counters().DCTDefaults != 1 {
			t.Errorf("%d defaults", b.Counters().DCTDefaults)
		}
	})
}
