//go:build guest

package guest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/usbip"
)

// What running code asks the bootloader for in a register, and where internal
// flash begins.
const (
	modeDFU    = 0xEDFA
	flashStart = 0x08000000
)

// How a board shows itself on USB.
const (
	running = "c058"
	inDFU   = "d058"
)

// quickFlash lets a board erase and boot in no time: here the kernel is on
// trial, not patience.
var quickFlash = virtualduo.Timing{
	Firmware: time.Millisecond, USB: time.Millisecond,
	Erase16K: 20 * time.Millisecond, Erase64K: 20 * time.Millisecond, Erase128K: 20 * time.Millisecond,
	Program: time.Microsecond, SerialErase: 5 * time.Millisecond, SerialPage: 50 * time.Microsecond,
}

// quiet takes the remarks of what is not on trial.
func quiet(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// plugged makes a board, without power, whose USB cable is in a port of this
// machine until the end of the test.
func plugged(t *testing.T, port string, config virtualduo.Config) *virtualduo.Board {
	t.Helper()
	board := virtualduo.New(config)
	t.Cleanup(board.Close)
	connect(t, port, board)
	return board
}

// connect puts the USB cable of a board into a port, until the function that it
// returns is called, at the latest by the end of the test.
func connect(t *testing.T, port string, board *virtualduo.Board) (pull func()) {
	t.Helper()
	plug, err := usbip.NewPlug(board, port)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	attacher := usbip.Attacher{Plug: plug, Port: controllerPort(t, port), Log: quiet(t)}
	go func() { ended <- attacher.Run(ctx) }()
	var over bool
	pull = func() {
		if over {
			return
		}
		over = true
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the USB cable in port %s: %v", port, err)
		}
		awaitEmpty(t, port)
	}
	t.Cleanup(pull)
	return pull
}

// controllerPort is the number that the first virtual host controller has for a
// port: it numbers the ports of all controllers. Each has two buses, the first
// for boards.
func controllerPort(t *testing.T, port string) int {
	t.Helper()
	var bus, number, all int
	_, err := fmt.Sscanf(port, "%d-%d", &bus, &number)
	must(t, err)
	text, err := os.ReadFile("/sys/devices/platform/vhci_hcd.0/nports")
	must(t, err)
	_, err = fmt.Sscan(string(text), &all)
	must(t, err)
	controllers, err := filepath.Glob("/sys/devices/platform/vhci_hcd.*")
	must(t, err)
	return (bus-1)/2*(all/len(controllers)) + number - 1
}

// startDFU starts a board in DFU mode, whatever it did before.
func startDFU(board *virtualduo.Board) {
	board.SetReset(true)
	board.PowerOn()
	board.RequestBoot(modeDFU)
	board.SetReset(false)
}

// commission gives a board the key of seed and the marks of an earlier life.
func commission(t *testing.T, board *virtualduo.Board, seed uint64) {
	t.Helper()
	key := virtualduo.GenerateKey(seed)
	must(t, board.InstallKey(key.Reveal()))
	must(t, board.Commission())
}

// product is what the kernel says of the device on a port, or nothing.
func product(port string) string {
	device := filepath.Join("/sys/bus/usb/devices", port)
	// Until it has a configuration the kernel is still asking.
	if configured, err := os.ReadFile(filepath.Join(device, "bConfigurationValue")); err != nil || strings.TrimSpace(string(configured)) == "" {
		return ""
	}
	text, _ := os.ReadFile(filepath.Join(device, "idProduct")) // gone: nothing
	return strings.TrimSpace(string(text))
}

// awaitEmpty waits until the kernel has let go of what was on a port.
func awaitEmpty(t *testing.T, port string) {
	t.Helper()
	await(t, 20*time.Second, "nothing on port "+port, func() bool {
		_, err := os.Stat(filepath.Join("/sys/bus/usb/devices", port))
		return errors.Is(err, os.ErrNotExist)
	})
}

// awaitProduct waits until a port has a device of that kind.
func awaitProduct(t *testing.T, port, want string) {
	t.Helper()
	await(t, 20*time.Second, fmt.Sprintf("%q on port %s", want, port), func() bool { return product(port) == want })
}

// await waits until something is so.
func await(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	for begun := time.Now(); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > limit {
			t.Fatalf("waited %v for %s", limit, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
