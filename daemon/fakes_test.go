package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"duogateway/daemon"
	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/keystore"
)

// fakeBus holds what a test says is attached. Nothing on it can be opened.
type fakeBus struct {
	mu       sync.Mutex
	attached []dfu.Attachment
	fail     error
}

func (b *fakeBus) Attachments(context.Context) ([]dfu.Attachment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.attached), b.fail
}

func (b *fakeBus) Open(context.Context, dfu.Attachment) (dfu.Transport, error) {
	return nil, errors.New("it cannot be opened")
}

// set makes each look fail, or no longer.
func (b *fakeBus) set(fail error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = fail
}

// attach puts devices on the bus, and nothing else.
func (b *fakeBus) attach(devices ...dfu.Attachment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attached = devices
}

// plug puts a board into its firmware on each of the ports, and nothing else.
func (b *fakeBus) plug(ports ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.attached = nil
	for i, port := range ports {
		b.attached = append(b.attached, dfu.Attachment{Port: port, Number: uint64(i + 1), Vendor: duo.VendorID, Product: duo.ProductRun, Serial: "1a42f7ad164cf1e1f461b07" + string(rune('0'+i))})
	}
}

// fakeGestures remember which bays were let go, and make no gesture.
type fakeGestures struct {
	mu      sync.Mutex
	cleaned [][]string
	results []gpio.Result
	fail    error
	takes   time.Duration // to fail to make a gesture, whatever the context says
}

func (g *fakeGestures) EnterDFU(context.Context, gpio.Bay) (gpio.Result, error) {
	time.Sleep(g.takes)
	return gpio.Result{}, gpio.ErrGestureFailed
}
func (g *fakeGestures) Reset(context.Context, gpio.Bay) error { return gpio.ErrGestureFailed }
func (g *fakeGestures) Acknowledge(string) error              { return nil }
func (g *fakeGestures) CleanUp(_ context.Context, bays ...gpio.Bay) ([]gpio.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	for _, b := range bays {
		names = append(names, b.Name)
	}
	g.cleaned = append(g.cleaned, names)
	return g.results, g.fail
}

// press is one press of a fake button.
type press struct {
	bay  string
	held time.Duration
	err  error
}

// fakeButton is pressed by sending to it.
type fakeButton chan press

func (b fakeButton) Press(ctx context.Context) (string, time.Duration, error) {
	select {
	case p := <-b:
		return p.bay, p.held, p.err
	case <-ctx.Done():
		return "", 0, ctx.Err()
	}
}

// bench is a daemon on fakes, with a real station and a real store.
type bench struct {
	*daemon.Daemon
	bus      *fakeBus
	gestures *fakeGestures
	button   fakeButton
	store    *keystore.Store
	log      *logBuffer
}

// logBuffer is a log that may be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// twoBays is a configuration in a folder of its own.
func twoBays(t testing.TB) daemon.Config {
	folder := t.TempDir()
	cfg := daemon.DefaultConfig()
	cfg.Store, cfg.Runtime, cfg.Socket = filepath.Join(folder, "store"), filepath.Join(folder, "run"), filepath.Join(folder, "s")
	cfg.Keys.Escrow, cfg.OnPlug = "none", "off"
	cfg.Bays = []daemon.BayConfig{
		{Name: "bay-1", Type: "duo", Chip: "bench", Reset: "GPIO17", Setup: "GPIO27", Wiring: "fet", Port: "1-1.1"},
		{Name: "bay-2", Type: "duo", Chip: "bench", Reset: "GPIO22", Setup: "GPIO23", Wiring: "fet", Port: "1-1.2"},
	}
	return cfg
}

// newBench makes a daemon whose bays are empty. It does not work yet.
func newBench(t testing.TB) *bench {
	t.Helper()
	return newBenchWith(t, func(*daemon.Config) {})
}

// newBenchWith makes one of another configuration, which can tell the time if
// there is a broker.
func newBenchWith(t testing.TB, adapt func(*daemon.Config)) *bench {
	t.Helper()
	cfg := twoBays(t)
	adapt(&cfg)
	b := &bench{bus: &fakeBus{}, gestures: &fakeGestures{}, button: make(fakeButton), log: &logBuffer{}}
	var err error
	if b.store, err = keystore.Open(cfg.Store, cfg.StoreOptions(nil)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.store.Close(); err != nil {
			t.Error(err)
		}
	})
	parts := b.parts()
	if cfg.MQTT.On() {
		parts.Clock.Synchronised = func() bool { return true }
	}
	if b.Daemon, err = daemon.New(cfg, parts, b.store); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) parts() daemon.Parts {
	return daemon.Parts{
		Bus: b.bus, Gestures: b.gestures, Button: b.button, Clock: job.Clock{Boot: "test"},
		Log: slog.New(slog.NewTextHandler(b.log, nil)), Version: "test",
	}
}

// work lets the daemon work until stop is called.
func (b *bench) work() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Work(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}
