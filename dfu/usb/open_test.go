package usb

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/gousb"

	"duogateway/dfu"
)

func TestOpenGone(t *testing.T) {
	for what, plugged := range map[string][]device{
		"nothing":              nil,
		"the same elsewhere":   {board("1-1.3", 5)},
		"a second stay":        {board("1-1.4", 6)},
		"another product":      {{port: "1-1.4", address: 5, vendor: 0x1209, product: 2}},
		"the same port of bus": {board("2-1.4", 5)},
	} {
		for _, looked := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				b, native := newFake(t, board("1-1.4", 5))
				a := attachment(t, b, "1-1.4")
				native.set(func(b *fakeBus) { b.plugged = plugged })
				if looked {
					if _, err := b.Attachments(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := b.Open(t.Context(), a); !isGone(err) || len(native.handles) > 0 {
					t.Errorf("%s, looked %v: %v and %d opened, want gone", what, looked, err, len(native.handles))
				}
			})
		}
	}
}

// An attachment is the one of its number, not just what has its port.
func TestOpenOtherNumber(t *testing.T) {
	b, _ := newFake(t, board("1-1.4", 5))
	a := attachment(t, b, "1-1.4")
	for what, change := range map[string]func(a *dfu.Attachment){
		"number": func(a *dfu.Attachment) { a.Number++ },
		"vendor": func(a *dfu.Attachment) { a.Vendor++ },
		"port":   func(a *dfu.Attachment) { a.Port = "1-2" },
	} {
		other := a
		change(&other)
		if _, err := b.Open(t.Context(), other); !isGone(err) {
			t.Errorf("another %s: %v, want gone", what, err)
		}
	}
}

// What is there and cannot be opened is not gone, and the error says what helps.
func TestOpenRefused(t *testing.T) {
	for _, c := range []struct {
		err  error
		hint string
	}{
		{gousb.ErrorAccess, "udev rule must let this user open devices 1209:0001"},
		{gousb.ErrorNoDevice, "no node under /dev/bus/usb"},
		{gousb.ErrorBusy, "busy"},
		{gousb.ErrorIO, "i/o"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b, native := newFake(t, board("1-1.4", 5))
			native.openErr = c.err
			_, err := b.Open(t.Context(), attachment(t, b, "1-1.4"))
			if !errors.Is(err, c.err) || isGone(err) || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("%v: %v, want a hint %q", c.err, err, c.hint)
			}
		})
	}
}

// A device that is open is nobody else's.
func TestOpenTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := newFake(t, board("1-1.4", 5))
		a := attachment(t, b, "1-1.4")
		for range 2 {
			first, err := b.Open(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Open(t.Context(), a); !errors.Is(err, gousb.ErrorBusy) || isGone(err) {
				t.Errorf("the second: %v, want busy", err)
			}
			if err := first.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A device that is leaving is gone, though the bus shows it for a while.
func TestOpenLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, native := newFake(t, board("1-1.4", 5))
		a := attachment(t, b, "1-1.4")
		native.openErr = gousb.ErrorIO
		time.AfterFunc(leaveTime/2, func() { native.set(func(b *fakeBus) { b.plugged = nil }) })
		if _, err := b.Open(t.Context(), a); !isGone(err) || !errors.Is(err, gousb.ErrorIO) {
			t.Errorf("%v, want gone", err)
		}
	})
}

func TestOpenCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, native := newFake(t, board("1-1.4", 5))
		native.openTime = 5 * time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := b.Open(ctx, attachment(t, b, "1-1.4"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want the end of the context after 1s", err, time.Since(start))
		}
		time.Sleep(10 * time.Second)
		if !native.last().closed.Load() {
			t.Error("what was opened too late stays open")
		}
	})
}

func TestLookCanceled(t *testing.T) {
	b, _ := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Attachments(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
}

// The real libusb of whatever machine this is: with USB, without, or without
// the right to look. Nothing is opened.
func TestThisMachine(t *testing.T) {
	attached, err := New(nil).Attachments(t.Context())
	if err != nil && !strings.Contains(err.Error(), "libusb") {
		t.Errorf("%v does not say that it is about libusb", err)
	}
	for _, a := range attached {
		if bus, ports, ok := strings.Cut(a.Port, "-"); !ok || bus == "" || ports == "" || a.Number == 0 {
			t.Errorf("an attachment without port or number: %+v", a)
		}
	}
	d := board("250-1", 1)
	if h, err := (libusb{}).open(d); err == nil {
		t.Error("a device that cannot be there was opened", h.close())
	}
}
