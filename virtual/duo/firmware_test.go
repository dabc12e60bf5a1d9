package virtualduo

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

// running is a board whose firmware is up, with credentials.
func running(t *testing.T, b *Board) {
	t.Helper()
	keyed(t, b)
	b.PowerOn()
	time.Sleep(2 * time.Second)
	if attached, _ := b.Attached(); attached.Product != productRun {
		t.Fatalf("product %x", attached.Product)
	}
}

func TestBaudRateAsksForModes(t *testing.T) {
	for _, c := range []struct {
		baud    uint32
		product uint16
		light   Light
	}{
		{14400, productDFU, lightDFU},
		{28800, productRun, lightListening},
		{9600, productRun, lightConnecting},
	} {
		inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
			running(t, b)
			usb, err := b.Open()
			if err != nil {
				t.Fatal(err)
			}
			coding := append(binary.LittleEndian.AppendUint32(nil, c.baud), 0, 0, 8)
			if _, err := usb.Control(context.Background(), classToInterface, setLineCoding, 0, 0, coding); err != nil {
				t.Errorf("baud %d: %v", c.baud, err)
			}
			time.Sleep(time.Second)
			if now, _ := b.Attached(); now.Product != c.product || b.Light() != c.light {
				t.Errorf("baud %d: product %x, light %+v", c.baud, now.Product, b.Light())
			}
		})
	}
}

func TestSetupWhileTheFirmwareRuns(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name    string
		presses []time.Duration
		light   Light
		wipes   int
	}{
		{"short", []time.Duration{2 * s}, lightConnecting, 0},
		{"three seconds", []time.Duration{3100 * time.Millisecond}, lightListening, 0},
		{"long, but no wipe", []time.Duration{12 * s}, lightListening, 0},
		{"wipe", []time.Duration{14 * s}, lightListening, 1},
		{"listening ended", []time.Duration{4 * s, 4 * s}, lightConnecting, 0},
		{"too short to end", []time.Duration{4 * s, s}, lightListening, 0},
		{"too long to end", []time.Duration{4 * s, 9 * s}, lightListening, 0},
		{"wipe from listening", []time.Duration{4 * s, 11 * s}, lightListening, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
				running(t, b)
				for _, held := range c.presses {
					b.SetSetup(true)
					time.Sleep(held)
					b.SetSetup(false)
					time.Sleep(s)
				}
				if b.Light() != c.light || b.Counters().WiFiWipes != c.wipes || b.HasWiFi() == (c.wipes > 0) {
					t.Errorf("light %+v, %+v", b.Light(), b.Counters())
				}
			})
		})
	}
}

func TestListeningModeTellsTheDeviceID(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		running(t, b)
		attached, _ := b.Attached()
		if got := b.SerialCommand('i'); !strings.Contains(got, attached.Serial) || len(attached.Serial) != 24 {
			t.Errorf("said %q", got)
		}
		if got := b.SerialCommand('v'); !strings.Contains(got, "0.3.3") {
			t.Errorf("said %q", got)
		}
	})
}

func TestBrokenSystemParts(t *testing.T) {
	for _, c := range []struct {
		name     string
		at       uint32
		attached bool
		light    Light
	}{
		{"part 1 missing", systemPart1At, true, lightDFU},
		{"part 2 missing", systemPart2At, false, lightDark},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
				keyed(t, b)
				if err := b.SetFlash(c.at, blankMemory(64<<10)); err != nil {
					t.Fatal(err)
				}
				b.PowerOn()
				time.Sleep(20 * time.Second)
				now, attached := b.Attached()
				if attached != c.attached || b.Light() != c.light || attached && now.Product != productDFU {
					t.Errorf("on the bus %v (%x), light %+v", attached, now.Product, b.Light())
				}
			})
		})
	}
}

func TestBootInitialisesADCTWithoutAValidCopy(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		if err := b.LoadDCT(BlankImage()); err != nil {
			t.Fatal(err)
		}
		b.PowerOn()
		time.Sleep(20 * time.Second)
		attached, _ := b.Attached()
		if c := b.Counters(); c.DCTDefaults != 1 || c.KeyGenerations != 1 || c.HostWrites != 0 || attached.Product != productRun {
			t.Errorf("product %x, %+v", attached.Product, c)
		}
	})
}

func TestPowerCutWhileAKeyIsMadeWritesNothing(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		if err := b.Commission(); err != nil {
			t.Fatal(err)
		}
		before := b.ApplicationDCT()
		b.PowerOn()
		time.Sleep(5 * time.Second)
		b.PowerOff()
		if string(before) != string(b.ApplicationDCT()) {
			t.Error("the DCT has changed")
		}
		b.PowerOn()
		time.Sleep(20 * time.Second)
		if b.Counters().KeyGenerations != 1 || b.FirmwareFingerprint() == "" {
			t.Errorf("%+v", b.Counters())
		}
	})
}

func TestResetHeldKeepsTheBoardOffTheBus(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		running(t, b)
		changes := 0
		b.OnBusChange(func() { changes++; b.Attached() })
		b.SetReset(true)
		time.Sleep(time.Minute)
		if _, attached := b.Attached(); attached || b.Light() != lightDark || changes != 1 {
			t.Errorf("attached %v, light %+v, %d changes", attached, b.Light(), changes)
		}
		if _, err := b.Open(); err == nil {
			t.Error("a board that is not there was opened")
		}
	})
}
