package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	virtualduo "duogateway/virtual/duo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hasty is a board's timing for tests on the real clock.
func hasty() virtualduo.Timing {
	const d = time.Microsecond
	return virtualduo.Timing{
		Sample: d, Key: d, Firmware: d, USB: d, Erase16K: d, Erase64K: d, Erase128K: d,
		Program: time.Nanosecond, SerialErase: d, SerialPage: d,
	}
}

// bayOf is a bay with a board that has a key and Wi-Fi.
func bayOf(t *testing.T, name string, wiring Wiring, seed uint64, timing virtualduo.Timing) Bay {
	t.Helper()
	board := virtualduo.New(virtualduo.Config{Seed: seed, WiFi: true, Timing: timing})
	t.Cleanup(board.Close)
	if err := errors.Join(board.InstallKey(virtualduo.GenerateKey(seed).Reveal()), board.Commission()); err != nil {
		t.Fatal(err)
	}
	return Bay{Name: name, Board: board, Port: "1-1." + name, Reset: "RESET" + name, Setup: "SETUP" + name, Wiring: wiring}
}

// onBoth runs a test on a bench in this process and over a socket.
func onBoth(t *testing.T, bays func(t *testing.T) []Bay, test func(t *testing.T, bench *Bench, api API)) {
	t.Helper()
	build := func(t *testing.T) *Bench {
		bench, err := New(bays(t)...)
		if err != nil {
			t.Fatal(err)
		}
		return bench
	}
	t.Run("in process", func(t *testing.T) {
		bench := build(t)
		test(t, bench, bench)
	})
	t.Run("over a socket", func(t *testing.T) {
		bench := build(t)
		test(t, bench, served(t, bench))
	})
}

func served(t *testing.T, bench *Bench) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "bench.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, bench) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	client, err := Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func oneBay(wiring Wiring) func(t *testing.T) []Bay {
	return func(t *testing.T) []Bay { return []Bay{bayOf(t, "1", wiring, 1, hasty())} }
}

// waitFor polls on the real clock: the other side is a process of its own in life.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for range 5000 {
		if condition() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}

func product(t *testing.T, api API, wanted uint16) Device {
	t.Helper()
	var found Device
	waitFor(t, "the device on the bus", func() bool {
		devices, err := api.Devices(t.Context())
		if err != nil || len(devices) == 0 {
			return false
		}
		found = devices[0]
		return found.Product == wanted
	})
	return found
}

// inDFU plugs the board in and asks its firmware for DFU.
func inDFU(t *testing.T, api API) (Device, USB) {
	t.Helper()
	must(t, api.Plug("1"))
	running := opened(t, api, product(t, api, 0xC058))
	baud14400 := []byte{0x40, 0x38, 0, 0, 0, 0, 8}
	if n, err := running.Control(t.Context(), 0x21, 0x20, 0, 0, baud14400); err != nil || n != 7 {
		t.Fatalf("line coding: %d bytes, %v", n, err)
	}
	must(t, running.Close())
	device := product(t, api, 0xD058)
	return device, opened(t, api, device)
}

func opened(t *testing.T, api API, device Device) USB {
	t.Helper()
	usb, err := api.OpenUSB(t.Context(), device)
	must(t, err)
	return usb
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestUSBErrorsKeepTheirMeaning(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		device, usb := inDFU(t, api)
		defer func() { must(t, usb.Close()) }()
		must(t, usb.SelectAlt(t.Context(), 1))
		var stalled interface{ Stalled() bool }
		err := usb.SelectAlt(t.Context(), 3)
		if !errors.As(err, &stalled) || !stalled.Stalled() {
			t.Errorf("alternate setting 3: %v, want a stall", err)
		}
		status := make([]byte, 64)
		if n, err := usb.Control(t.Context(), 0xA1, 3, 0, 0, status); err != nil || n != 6 || status[4] != 2 {
			t.Errorf("status % x (%d bytes), error %v", status[:n], n, err)
		}
		must(t, api.Unplug("1"))
		isGone(t, "a transfer", usb.SelectAlt(t.Context(), 0))
		must(t, api.Plug("1"))
		isGone(t, "a transfer after the return", usb.SelectAlt(t.Context(), 0))
		_, err = api.OpenUSB(t.Context(), device)
		isGone(t, "opening the old device", err)
	})
}

func isGone(t *testing.T, what string, err error) {
	t.Helper()
	var gone interface{ Gone() bool }
	if !errors.As(err, &gone) || !gone.Gone() {
		t.Errorf("%s: %v, want gone", what, err)
	}
}

func TestSerialPortOfTheFirmware(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		must(t, api.Plug("1"))
		device := product(t, api, 0xC058)
		usb := opened(t, api, device)
		defer func() { must(t, usb.Close()) }()
		baud28800 := []byte{0x80, 0x70, 0, 0, 0, 0, 8}
		_, err := usb.Control(t.Context(), 0x21, 0x20, 0, 0, baud28800)
		must(t, err)
		if n, err := usb.Bulk(t.Context(), 0x01, []byte("i")); n != 1 || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		data := make([]byte, 100)
		n, err := usb.Bulk(t.Context(), 0x81, data)
		if err != nil || !strings.Contains(string(data[:n]), device.Serial) {
			t.Errorf("said %q, %v", data[:n], err)
		}
		time.AfterFunc(10*time.Millisecond, func() { must(t, api.Unplug("1")) })
		_, err = usb.Bulk(t.Context(), 0x81, data)
		isGone(t, "a read that waits", err)
	})
}

func TestPinsDriveTheLinesThroughTheirWiring(t *testing.T) {
	for _, c := range []struct {
		wiring    Wiring
		low, high bool // is the line low then
	}{{FET, false, true}, {Direct, true, false}} {
		t.Run(string(c.wiring), func(t *testing.T) {
			onBoth(t, oneBay(c.wiring), func(t *testing.T, bench *Bench, api API) {
				pin, err := api.OpenPin("SETUP1")
				must(t, err)
				lineIs := func(what string, want bool) {
					t.Helper()
					if _, got := bench.bays[0].Board.Lines(); got != want {
						t.Errorf("%s: line low is %v, want %v", what, got, want)
					}
				}
				lineIs("opened", false)
				must(t, pin.Low())
				lineIs("pin low", c.low)
				must(t, pin.High())
				lineIs("pin high", c.high)
				must(t, pin.Input())
				lineIs("input", false)
				must(t, errors.Join(pin.Low(), pin.High()))
				if c.wiring == Direct {
					must(t, pin.Low())
				}
				lineIs("asserted", true)
				must(t, pin.Close())
				lineIs("closed", false)
			})
		})
	}
}

func TestPinIsExclusive(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		pin, err := api.OpenPin("RESET1")
		must(t, err)
		_, err = api.OpenPin("RESET1")
		var busy interface{ Busy() bool }
		if !errors.As(err, &busy) || !busy.Busy() || !strings.Contains(err.Error(), "in use") {
			t.Errorf("second opener: %v, want busy", err)
		}
		must(t, pin.Close())
		again, err := api.OpenPin("RESET1")
		must(t, err)
		must(t, again.Close())
		if _, err := api.OpenPin("NONE"); err == nil {
			t.Error("a line that does not exist was opened")
		}
	})
}

// P2
func TestPinOfADeadClientBecomesAnInput(t *testing.T) {
	bench, err := New(oneBay(FET)(t)...)
	must(t, err)
	client := served(t, bench)
	pin, err := client.OpenPin("SETUP1")
	must(t, err)
	must(t, pin.High())
	if _, low := bench.bays[0].Board.Lines(); !low {
		t.Fatal("the line is not low")
	}
	must(t, pin.(remotePin).link.conn.Close()) // what the kernel does for a dead process
	waitFor(t, "the line to rise", func() bool {
		_, low := bench.bays[0].Board.Lines()
		return !low
	})
	waitFor(t, "the pin to be free", func() bool {
		again, err := client.OpenPin("SETUP1")
		return err == nil && again.Close() == nil
	})
}

func TestTransferEndsWithItsContext(t *testing.T) {
	slow := hasty()
	slow.Erase16K = time.Minute
	bays := func(t *testing.T) []Bay { return []Bay{bayOf(t, "1", FET, 1, slow)} }
	onBoth(t, bays, func(t *testing.T, _ *Bench, api API) {
		_, usb := inDFU(t, api)
		defer func() { must(t, usb.Close()) }()
		erase := []byte{0x41, 0x00, 0xC0, 0x00, 0x08}
		_, err := usb.Control(t.Context(), 0x21, 1, 0, 0, erase)
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err = usb.Control(ctx, 0xA1, 3, 0, 0, make([]byte, 6)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
	})
}

// P1
func TestNotesAndBoardEventsShareOneOrder(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		_, usb := inDFU(t, api)
		defer func() { must(t, usb.Close()) }()
		must(t, api.Note("commit 1"))
		eraseSector(t, usb)
		must(t, api.Note("commit 2"))
		events, err := api.Events(t.Context())
		must(t, err)
		var order []string
		for i, event := range events {
			if event.Number != uint64(i+1) {
				t.Fatalf("event %d has number %d", i+1, event.Number)
			}
			if event.What == "note" || event.What == string(virtualduo.HostErase) {
				order = append(order, event.Bay+" "+event.Detail)
			}
		}
		want := " commit 1|1 alt 0 address 0x800c000 length 16384| commit 2"
		if got := strings.Join(order, "|"); got != want {
			t.Errorf("order %q, want %q", got, want)
		}
	})
}

func eraseSector(t *testing.T, usb USB) {
	t.Helper()
	erase := []byte{0x41, 0x00, 0xC0, 0x00, 0x08}
	_, err := usb.Control(t.Context(), 0x21, 1, 0, 0, erase)
	must(t, err)
	_, err = usb.Control(t.Context(), 0xA1, 3, 0, 0, make([]byte, 6))
	must(t, err)
}

func TestPressesReachTheListener(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, bench *Bench, api API) {
		ctx, cancel := context.WithCancel(t.Context())
		presses, err := api.Presses(ctx)
		must(t, err)
		must(t, api.Press("1", 300*time.Millisecond))
		must(t, api.Press("", 6*time.Second))
		for _, want := range []Press{{"1", 300 * time.Millisecond}, {"", 6 * time.Second}} {
			if got := <-presses; got != want {
				t.Errorf("press %+v, want %+v", got, want)
			}
		}
		if api.Press("none", time.Second) == nil {
			t.Error("a bay that does not exist was pressed")
		}
		cancel()
		if _, open := <-presses; open {
			t.Error("a press came after the end")
		}
		waitFor(t, "the bench to forget the listener", func() bool {
			bench.mu.Lock()
			defer bench.mu.Unlock()
			return len(bench.listeners) == 0
		})
	})
}

func TestStateAndDumpShowTheBoard(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, bench *Bench, api API) {
		board := bench.bays[0].Board
		before, err := api.Board("1")
		must(t, err)
		if before.Powered || before.Light.Colour != virtualduo.Dark || before.Fingerprint != board.FirmwareFingerprint() || before.Fingerprint == "" {
			t.Errorf("state %+v", before)
		}
		must(t, api.WriteDCT("1", 34, make([]byte, 1216)))
		after, err := api.Board("1")
		must(t, err)
		if after.Fingerprint != "" {
			t.Error("a zeroed key still has a fingerprint")
		}
		flash, err := api.DumpFlash("1")
		must(t, err)
		if sum := sha256.Sum256(flash.Reveal()); hex.EncodeToString(sum[:]) != after.FlashSHA256 || after.FlashSHA256 == before.FlashSHA256 {
			t.Error("the dump is not the flash that the state speaks of")
		}
		must(t, api.Plug("1"))
		product(t, api, 0xC058)
		must(t, api.PowerCut("1"))
		if device := product(t, api, 0xC058); device.Number != 2 {
			t.Errorf("number %d after a power cut, want 2", device.Number)
		}
	})
}

func TestUnknownBaysAreErrors(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		_, boardErr := api.Board("x")
		_, dumpErr := api.DumpFlash("x")
		for name, err := range map[string]error{
			"board": boardErr, "dump": dumpErr, "plug": api.Plug("x"), "unplug": api.Unplug("x"),
			"power cut": api.PowerCut("x"), "write": api.WriteDCT("x", 0, []byte{1}),
		} {
			if err == nil || !strings.Contains(err.Error(), `no bay "x"`) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestTwoBoardsMayShareAPort(t *testing.T) {
	bays := func(t *testing.T) []Bay {
		first, second := bayOf(t, "1", FET, 1, hasty()), bayOf(t, "2", Direct, 2, hasty())
		second.Port = first.Port
		return []Bay{first, second}
	}
	onBoth(t, bays, func(t *testing.T, bench *Bench, api API) {
		must(t, errors.Join(api.Plug("1"), api.Plug("2")))
		var devices []Device
		waitFor(t, "two devices", func() bool {
			devices, _ = api.Devices(t.Context())
			return len(devices) == 2
		})
		if devices[0].Port != devices[1].Port || devices[0].Number == devices[1].Number {
			t.Fatalf("devices %+v", devices)
		}
		for _, device := range devices {
			usb := opened(t, api, device)
			id := make([]byte, 64)
			n, err := usb.Control(t.Context(), 0xC0, 0x50, 0, 20, id)
			must(t, err)
			if got := strings.ToLower(string(id[:n])); got != device.Serial {
				t.Errorf("opened %s, got %s", device.Serial, got)
			}
			must(t, usb.Close())
		}
		must(t, errors.Join(api.Unplug("1"), api.Unplug("2")))
	})
}

func TestBenchRefusesWrongBays(t *testing.T) {
	good := bayOf(t, "1", FET, 1, hasty())
	for name, change := range map[string]func(*Bay){
		"same name":      func(b *Bay) { b.Reset, b.Setup = "A", "B" },
		"same line":      func(b *Bay) { b.Name = "2"; b.Setup = "B" },
		"one line twice": func(b *Bay) { b.Name, b.Reset, b.Setup = "2", "A", "A" },
		"no line":        func(b *Bay) { b.Name, b.Reset, b.Setup = "2", "A", "" },
		"no wiring":      func(b *Bay) { b.Name, b.Reset, b.Setup, b.Wiring = "2", "A", "B", "" },
		"no board":       func(b *Bay) { b.Name, b.Reset, b.Setup, b.Board = "2", "A", "B", nil },
	} {
		t.Run(name, func(t *testing.T) {
			wrong := good
			change(&wrong)
			if _, err := New(good, wrong); err == nil {
				t.Error("taken")
			}
		})
	}
}

func TestAbsentBenchIsAnError(t *testing.T) {
	_, err := Dial(filepath.Join(t.TempDir(), "none"))
	isGone(t, "dialling nothing", err)
}
