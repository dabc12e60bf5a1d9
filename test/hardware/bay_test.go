//go:build hardware

package hardware_test

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"testing"
	"time"

	"duogateway/daemon"
	"duogateway/dfu"
	"duogateway/dfu/usb"
	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/gpio/chip"
)

var (
	configPath   = flag.String("config", daemon.ConfigPath, "configuration `file` of the station")
	bayName      = flag.String("bay", "", "`name` of the bay with the board")
	gatewayd     = flag.String("gatewayd", "", "`path` of the gatewayd that makes the gestures")
	eraseProgram = flag.Bool("erase-program", false, "also run what costs the board its program")
)

// lookTime is how often the port is looked at: what is measured is not more
// exact than this.
const lookTime = 20 * time.Millisecond

// bay is the bay under test.
type bay struct {
	t      *testing.T
	config daemon.BayConfig
	bus    *usb.Bus
	runner *gpio.Runner
}

func openBay(t *testing.T) *bay {
	t.Helper()
	cfg, err := daemon.LoadConfig(*configPath)
	if err != nil {
		t.Fatal(err)
	}
	b := &bay{t: t, bus: usb.New(slog.New(slog.NewTextHandler(t.Output(), nil)))}
	for _, configured := range cfg.Bays {
		if configured.Name == *bayName {
			b.config = configured
		}
	}
	if b.config.Name == "" {
		t.Fatalf("%s has no bay %q: name one with BAY=", *configPath, *bayName)
	}
	runner := cfg.RunnerConfig()
	runner.RuntimeDir = t.TempDir()
	runner.Command, runner.Open = []string{*gatewayd, "gesture-child", "--"}, chip.OpenPin
	if b.runner, err = gpio.NewRunner(runner); err != nil {
		t.Fatal(err)
	}
	return b
}

// await waits until the board is on its port in one of its two modes, and
// returns it and how long that took.
func (b *bay) await(product uint16, limit time.Duration) (dfu.Attachment, time.Duration) {
	b.t.Helper()
	started := time.Now()
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	defer cancel()
	for ctx.Err() == nil {
		all, err := b.bus.Attachments(ctx)
		if err != nil {
			break
		}
		for _, a := range all {
			if daemon.OnPort(a, b.config.Port) && a.Vendor == duo.VendorID && a.Product == product {
				return a, time.Since(started)
			}
		}
		time.Sleep(lookTime)
	}
	b.t.Fatalf("no %04x:%04x on port %s within %v", duo.VendorID, product, b.config.Port, limit)
	return dfu.Attachment{}, 0
}

// enterDFU makes the gesture and returns the board in DFU mode.
func (b *bay) enterDFU() dfu.Attachment {
	b.t.Helper()
	result, err := b.runner.EnterDFU(b.t.Context(), b.config.Lines())
	if err != nil {
		b.t.Fatal(err)
	}
	attached, took := b.await(duo.ProductDFU, 10*time.Second)
	b.t.Logf("%s; on the bus %v after SETUP was let go", result.Outcome, took.Round(lookTime))
	return attached
}

// open opens the board in DFU mode.
func (b *bay) open(attached dfu.Attachment) *dfu.Device {
	b.t.Helper()
	transport, err := b.bus.Open(b.t.Context(), attached)
	if err != nil {
		b.t.Fatal(err)
	}
	nothing := func(uint8, uint32, int) error { return io.ErrClosedPipe } // these tests write nothing
	device, err := dfu.Open(b.t.Context(), transport, dfu.Options{Limit: nothing})
	if err != nil {
		b.t.Fatal(err)
	}
	return device
}
