package usb

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/gousb"

	"duogateway/dfu"
)

// fakeBus is a native in memory. The fields may be set under the lock.
type fakeBus struct {
	t *testing.T

	mu       sync.Mutex
	plugged  []device
	listErr  error
	openErr  error
	openTime time.Duration
	serve    func(r request, timeout time.Duration) (int, error)
	handles  []*fakeHandle
}

func (b *fakeBus) set(change func(b *fakeBus)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

func (b *fakeBus) devices() ([]device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.plugged), b.listErr
}

func (b *fakeBus) open(d device) (handle, error) {
	b.mu.Lock()
	busy := b.openTime
	b.mu.Unlock()
	time.Sleep(busy)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.openErr != nil {
		return nil, b.openErr
	}
	if !slices.Contains(b.plugged, d) {
		return nil, errAbsent
	}
	for _, h := range b.handles {
		if h.device == d && !h.closed.Load() {
			return nil, gousb.ErrorBusy // it is claimed
		}
	}
	h := &fakeHandle{t: b.t, device: d, serve: b.serve}
	b.handles = append(b.handles, h)
	return h, nil
}

// last returns the handle that was opened last.
func (b *fakeBus) last() *fakeHandle {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.handles[len(b.handles)-1]
}

// fakeHandle fails the test where the real one would crash.
type fakeHandle struct {
	t        *testing.T
	device   device
	serve    func(r request, timeout time.Duration) (int, error)
	busy     atomic.Bool
	closed   atomic.Bool
	closeErr error
}

func (h *fakeHandle) control(r request, timeout time.Duration) (int, error) {
	if h.busy.Swap(true) || h.closed.Load() {
		h.t.Error("a transfer on a busy or closed device")
	}
	defer h.busy.Store(false)
	if timeout < time.Millisecond {
		h.t.Errorf("a transfer with a time of %v, which libusb takes for no limit", timeout)
	}
	return h.serve(r, timeout)
}

func (h *fakeHandle) close() error {
	if h.busy.Load() {
		h.t.Error("closed during a transfer")
	}
	if h.closed.Swap(true) {
		h.t.Error("closed twice")
	}
	return h.closeErr
}

// board is a device as tests plug it.
func board(port string, address int) device {
	return device{port: port, address: address, vendor: 0x1209, product: 1}
}

// newFake returns a bus with devices on it.
func newFake(t *testing.T, plugged ...device) (*Bus, *fakeBus) {
	native := &fakeBus{t: t, plugged: plugged}
	return &Bus{native: native, sysfs: fstest.MapFS{}, log: slog.New(slog.DiscardHandler)}, native
}

// attachment looks for what is on a port.
func attachment(t *testing.T, b *Bus, port string) dfu.Attachment {
	t.Helper()
	attached, err := b.Attachments(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attached {
		if a.Port == port {
			return a
		}
	}
	t.Fatalf("nothing on port %s: %v", port, attached)
	return dfu.Attachment{}
}

// openFake opens the only board of a new bus, which serves transfers so.
func openFake(t *testing.T, serve func(r request, timeout time.Duration) (int, error)) (dfu.Transport, *fakeBus) {
	t.Helper()
	b, native := newFake(t, board("1-1.4", 5))
	native.serve = serve
	transport, err := b.Open(t.Context(), attachment(t, b, "1-1.4"))
	if err != nil {
		t.Fatal(err)
	}
	return transport, native
}

func isGone(err error) bool {
	var kind interface{ Gone() bool }
	return errors.As(err, &kind) && kind.Gone()
}

func isStalled(err error) bool {
	var kind interface{ Stalled() bool }
	return errors.As(err, &kind) && kind.Stalled()
}

// shifting is a sysfs in which the file of a name changes as it is read.
type shifting struct {
	fstest.MapFS
	name string
	to   map[string]*fstest.MapFile
}

func (s shifting) Open(name string) (fs.File, error) {
	f, err := s.MapFS.Open(name)
	if name == s.name {
		for n, file := range s.to {
			s.MapFS[n] = file
		}
	}
	return f, err
}

// ReadFile hides that of the map, which would not call Open.
func (s shifting) ReadFile(name string) ([]byte, error) {
	return fs.ReadFile(struct{ fs.FS }{s}, name)
}
