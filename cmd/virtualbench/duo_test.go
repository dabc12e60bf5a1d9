package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
	"duogateway/virtual/simgpio"
)

func TestBoardsOfTheCommandLine(t *testing.T) {
	image := file(t, t.TempDir(), "image.bin", []byte("image"))
	var flash boardImage
	if err := flash.UnmarshalText([]byte("0x080C0000=" + image)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		flags boardFlags
		sound bool
	}{
		"sound":   {boardFlags{Bootloader: "r6"}, true},
		"old":     {boardFlags{Bootloader: "r3"}, true},
		"damaged": {boardFlags{Bootloader: "r6", DamageKey: true}, false},
		"no key":  {boardFlags{Bootloader: "r6", NoKey: true}, false},
		"loaded":  {boardFlags{Bootloader: "r6", Flash: []boardImage{flash}}, true},
	} {
		board, err := c.flags.newBoard()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if sound := board.FirmwareFingerprint() != ""; sound != c.sound {
			t.Errorf("%s: the key is sound: %v", name, sound)
		}
		if loaded := string(board.Flash()[0xC0000:0xC0005]) == "image"; loaded != (len(c.flags.Flash) > 0) {
			t.Errorf("%s: the image is there: %v", name, loaded)
		}
		board.Close()
	}
	if err := flash.UnmarshalText([]byte("here")); err == nil || !strings.Contains(err.Error(), "ADDRESS=FILE") {
		t.Errorf("%v", err)
	}
	flash.file = filepath.Join(t.TempDir(), "none")
	for _, flags := range []boardFlags{{Bootloader: "r9"}, {Bootloader: "r6", Flash: []boardImage{flash}}} {
		if _, err := flags.newBoard(); err == nil {
			t.Errorf("%+v is a board", flags)
		}
	}
}

// Who reaches the address of a board can write it.
func TestBoardsStayOnThisMachine(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:1"} {
		if l, err := listenHere(address); !errors.Is(err, errNotLoopback) {
			t.Errorf("%s: %v, %v", address, l, err)
		}
	}
	if _, err := listenHere("nowhere"); err == nil {
		t.Error("an address without a port")
	}
}

// A board runs with all that it may be connected to, and ends with its command.
func TestDuo(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "bench.sock")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- run(ctx, []string{"duo", "--usbip", "127.0.0.1:0", "--lines-listen", "127.0.0.1:0", "--socket", socket, "--unpowered"})
	}()
	bench := await(t, socket)
	if state, err := bench.Board("duo"); err != nil || state.Powered || state.Fingerprint == "" {
		t.Errorf("%+v, %v", state, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is still there")
	}
}

// await waits for the bench of a socket: the command makes it in its own time.
func await(t *testing.T, socket string) *remote.Client {
	t.Helper()
	for {
		if bench, err := remote.Dial(socket); err == nil {
			return bench
		}
		if t.Context().Err() != nil {
			t.Fatal("there is no bench")
		}
	}
}

func TestDuosThatCannotBe(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none", "bench.sock")
	for want, args := range map[string]string{
		"is not a bus id":       "duo --usbip 127.0.0.1:0 --busid x",
		"opening the socket":    "duo --usbip 127.0.0.1:0 --socket " + nowhere,
		"on the loopback":       "duo --usbip 0.0.0.0:0",
		"--vhci":                "duo",
		"no simulated GPIO":     "duo --usbip 127.0.0.1:0 --lines none:1:2",
		"no simulated GPIO chi": "lines --from-chip none:1:2 --to 127.0.0.1:1",
		"LABEL:RESET:SETUP":     "lines --from-chip none --to 127.0.0.1:1",
	} {
		if err := run(t.Context(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

// A machine that drives the lines and dies lets them go.
func TestLinesOfAnotherMachine(t *testing.T) {
	board := virtualduo.New(virtualduo.Config{})
	defer board.Close()
	changed := make(chan string, 8)
	board.OnEvent(func(e virtualduo.Event) { changed <- string(e.What) + " " + e.Detail })
	listener, err := listenHere("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- serveEach(ctx, listener, func(conn net.Conn) {
			_ = simgpio.Receive(conn, func(l simgpio.Levels) { drive(board, l) })
		})
	}()
	conn, err := dialPatiently(ctx, listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := simgpio.Send(conn)(simgpio.Levels{ResetLow: true, SetupLow: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"setup-line low", "reset-line low"} {
		if got := <-changed; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"setup-line high", "reset-line high"} {
		if got := <-changed; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	cancel()
	if err := ending(ctx, <-ended); err != nil {
		t.Error(err)
	}
}

// The first that ends ends the others; being asked to end is no error.
func TestTogether(t *testing.T) {
	waits := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	broken := errors.New("broken")
	if err := together(t.Context(), waits, func(context.Context) error { return broken }, waits); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := together(ctx, waits, waits); err != nil {
		t.Errorf("%v", err)
	}
	if _, err := dialPatiently(ctx, "127.0.0.1:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestHowBoardsStart(t *testing.T) {
	for want, c := range map[uint16]duoCmd{0: {Unpowered: true}, 0xC058: {}, 0xD058: {DFU: true}} {
		synctest.Test(t, func(t *testing.T) {
			board, err := boardFlags{Bootloader: "r6"}.newBoard()
			if err != nil {
				t.Fatal(err)
			}
			defer board.Close()
			c.start(board)
			time.Sleep(time.Minute)
			if attached, _ := board.Attached(); attached.Product != want {
				t.Errorf("%+v is %04x", c, attached.Product)
			}
		})
	}
}

func TestWhatIsReady(t *testing.T) {
	board := virtualduo.New(virtualduo.Config{})
	defer board.Close()
	port := 3
	for want, c := range map[string]duoCmd{
		"in port 3 of vhci_hcd.0; try: lsusb":               {Port: &port},
		"dfu-util -l -d 2b04:d058":                          {Port: &port, DFU: true},
		"usbip --tcp-port 3240 attach -r 127.0.0.1 -b 1-2;": {Listen: "127.0.0.1:3240", BusID: "1-2"},
	} {
		if got := c.ready(board); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}
