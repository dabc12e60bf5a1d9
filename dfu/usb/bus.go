package usb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/google/gousb"

	"duogateway/dfu"
)

// Bus is all USB buses of this computer. It may be used by several goroutines.
type Bus struct {
	native native
	sysfs  fs.FS
	log    *slog.Logger

	mu     sync.Mutex // also orders the looks: an older one must not come second
	memory memory
}

var _ dfu.Bus = (*Bus)(nil)

// New returns the buses. Nothing is asked of libusb before the first look.
// Log may be nil.
func New(log *slog.Logger) *Bus {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Bus{native: libusb{log}, sysfs: os.DirFS(sysfsRoot), log: log}
}

// Attachments tells what is on the buses now, by port, without the hubs and
// without sending anything to a device.
//
// A device gets a new number when it was away at a look, or when its address
// or its identity has changed since the last one. The kernel gives addresses
// in turn, so one that left and came back between two looks is noticed, unless
// the addresses of its bus, 127 at the most, went round meanwhile. A reset of a
// device is no new attachment, since the kernel then keeps its address.
//
// Numbers begin anew with each Bus. A serial number that cannot be read, or of
// which it is not sure that it belongs to this attachment, is empty.
func (b *Bus) Attachments(ctx context.Context) ([]dfu.Attachment, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, missed, err := look(b.native)
	if err != nil {
		return nil, fmt.Errorf("usb: look at the buses: %w", err)
	}
	if missed != nil {
		b.log.Debug("a USB device could not be described", "err", missed)
	}
	var attached []dfu.Attachment
	for _, s := range b.memory.see(withoutHubs(found)) {
		if s.serial == "" {
			s.serial = serial(b.sysfs, s.device)
			b.memory.know(s)
		}
		attached = append(attached, dfu.Attachment{
			Port: s.port, Number: s.number, Vendor: s.vendor, Product: s.product, Serial: s.serial,
		})
	}
	return attached, nil
}

func withoutHubs(found []device) []device {
	var kept []device
	for _, d := range found {
		if !d.isHub() {
			kept = append(kept, d)
		}
	}
	return kept
}

// Open opens an attachment that Attachments told of, and claims its interface
// 0 with alternate setting 0. Errors have Gone() bool when the device has left
// since, even if another one is on its port now. It returns at once when ctx
// ends; what was opened by then is closed again.
func (b *Bus) Open(ctx context.Context, a dfu.Attachment) (dfu.Transport, error) {
	b.mu.Lock()
	d, found := b.memory.find(a)
	b.mu.Unlock()
	if !found {
		return nil, fmt.Errorf("usb: open %s: %w", a.Port, gone(errLeft))
	}
	t, err := open(ctx, b.native, d)
	if err != nil {
		return nil, fmt.Errorf("usb: open %s: %w", a.Port, b.whyNotOpen(ctx, d, err))
	}
	return t, nil
}

// whyNotOpen explains the error of opening a device.
func (b *Bus) whyNotOpen(ctx context.Context, d device, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !errors.Is(err, gousb.ErrorAccess) { // that one is of the node and needs no second look
		err = judge(ctx, b.native, d, err)
	}
	var known *fault
	if errors.As(err, &known) {
		return err
	}
	return advise(d, err)
}
