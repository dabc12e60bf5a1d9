package usbip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	virtualduo "duogateway/virtual/duo"
)

// kernel is the virtual host controller of a kernel that exists only in this
// process; it takes sockets as a kernel does, by their numbers.
type kernel struct {
	t        *testing.T
	folder   string
	attached chan *host
}

const portsFree = "hub port sta spd dev      sockfd local_busid\nhs  0000 006 002 00010002 000008 1-1\nhs  0001 004 000 00000000 000000 0-0\n"

func newKernel(t *testing.T) *kernel {
	t.Helper()
	k := &kernel{t: t, folder: t.TempDir(), attached: make(chan *host, 1)}
	if err := os.MkdirAll(filepath.Dir(k.controller().file("status")), 0o750); err != nil {
		t.Fatal(err)
	}
	k.setPort(true)
	return k
}

func (k *kernel) controller() Controller { return Controller{Sysfs: k.folder, write: k.attach} }

// setPort makes port 1 free or not.
func (k *kernel) setPort(free bool) {
	k.t.Helper()
	text := portsFree
	if !free {
		text = strings.Replace(text, "0001 004", "0001 006", 1)
	}
	status := k.controller().file("status") // never seen half written
	if err := errors.Join(os.WriteFile(status+".new", []byte(text), 0o600), os.Rename(status+".new", status)); err != nil {
		k.t.Error(err)
	}
}

// attach is what writing to the file attach does.
func (k *kernel) attach(file string, line []byte) error {
	var port, socket, device, speed int
	if _, err := fmt.Sscanf(string(line), "%d %d %d %d", &port, &socket, &device, &speed); err != nil {
		return err
	}
	if filepath.Base(file) != "attach" || port != 1 || speed != FullSpeed {
		return fmt.Errorf("%q to %s", line, file)
	}
	conn, err := take(socket)
	if err != nil {
		return err
	}
	k.setPort(false)
	k.attached <- newHost(conn, uint32(device))
	return nil
}

func take(socket int) (net.Conn, error) {
	own, err := syscall.Dup(socket)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(own), "socket")
	defer func() { _ = file.Close() }() // the connection has its own
	return net.FileConn(file)
}

// release ends the kernel's side of a device.
func (k *kernel) release(h *host) {
	k.t.Helper()
	if err := h.conn.Close(); err != nil {
		k.t.Error(err)
	}
	<-h.ended
	k.setPort(true)
}

// quick is a board that does everything at once: these tests are in real time.
func quick(t *testing.T) *virtualduo.Board {
	t.Helper()
	const soon = time.Millisecond
	board := virtualduo.New(virtualduo.Config{Timing: virtualduo.Timing{Sample: soon, Firmware: soon, USB: soon}})
	t.Cleanup(board.Close)
	if err := errors.Join(board.InstallKey(virtualduo.GenerateKey(1).Reveal()), board.Commission()); err != nil {
		t.Fatal(err)
	}
	board.PowerOn()
	return board
}

// product asks a device what it is.
func (h *host) product(t *testing.T) uint16 {
	t.Helper()
	device := make([]byte, 18)
	if n, err := h.Control(t.Context(), 0x80, 6, 0x100, 0, device); n != 18 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	return uint16(device[11])<<8 | uint16(device[10])
}

// started runs something until the test ends and checks how it ended.
func started(t *testing.T, run func(context.Context) error, want error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, want) {
			t.Errorf("it ended with %v, want %v", err, want)
		}
	})
}

// What happens to the board happens on the kernel's bus.
func TestAttacher(t *testing.T) {
	k, board := newKernel(t), quick(t)
	started(t, Attacher{Plug: plug(t, board), Controller: k.controller(), Port: 1, Log: quiet()}.Run, context.Canceled)
	h := <-k.attached
	if got := h.product(t); got != 0xC058 {
		t.Errorf("product %04x", got)
	}
	board.SetReset(true)
	board.RequestBoot(0xEDFA)
	<-h.ended // the board is in reset
	board.SetReset(false)
	h = <-k.attached
	if got := h.product(t); got != 0xD058 {
		t.Errorf("product %04x", got)
	}
	k.release(h) // the kernel lets go; so nothing more until the board returns
	board.PowerOff()
	board.PowerOn()
	h = <-k.attached
	if got := h.product(t); got != 0xC058 {
		t.Errorf("product %04x", got)
	}
	k.release(h)
}

// A board of another machine is on this kernel's bus, and comes back to it.
func TestImporter(t *testing.T) {
	k, board := newKernel(t), quick(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &Server{Plugs: []*Plug{plug(t, board)}, Log: quiet()}
	started(t, func(ctx context.Context) error { return server.Serve(ctx, listener) }, nil)
	importer := Importer{Address: listener.Addr().String(), BusID: "1-1", Controller: k.controller(), Port: 1, Log: quiet()}
	started(t, importer.Run, context.Canceled)
	for range 2 {
		h := <-k.attached
		if got := h.product(t); got != 0xC058 {
			t.Errorf("product %04x", got)
		}
		board.PowerOff()
		<-h.ended
		k.release(h)
		board.PowerOn()
	}
	k.release(<-k.attached)
	k.release(<-k.attached) // nothing has happened but that the kernel let go
}

func TestControllerThatIsNotThere(t *testing.T) {
	none := Controller{Sysfs: t.TempDir()}
	if err := none.attach(t.Context(), 0, 1, 1); err == nil || !strings.Contains(err.Error(), "modprobe vhci-hcd") {
		t.Errorf("%v", err)
	}
	if _, err := none.free(0); err == nil {
		t.Error("its port has a state")
	}
	if got := (Controller{}).file("attach"); got != "/sys/devices/platform/vhci_hcd.0/attach" {
		t.Error(got)
	}
}

func TestPortStates(t *testing.T) {
	k := newKernel(t)
	for port, want := range map[int]bool{0: false, 1: true} {
		if free, err := k.controller().free(port); free != want || err != nil {
			t.Errorf("port %d is free: %v, %v", port, free, err)
		}
	}
	if _, err := k.controller().free(2); err == nil {
		t.Error("there is a port 2")
	}
}

// A port stays busy for a moment behind a device that has gone.
func TestBusyPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		busyFor := func(d time.Duration) func() error {
			return func() error {
				if time.Since(begun) < d {
					return fmt.Errorf("write: %w", syscall.EBUSY)
				}
				return nil
			}
		}
		if err := retryBusy(t.Context(), busyFor(time.Second)); err != nil || time.Since(begun) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		if err := retryBusy(t.Context(), busyFor(time.Hour)); !errors.Is(err, syscall.EBUSY) {
			t.Errorf("%v", err)
		}
		if err := retryBusy(t.Context(), func() error { return syscall.EINVAL }); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := retryBusy(ctx, busyFor(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}
