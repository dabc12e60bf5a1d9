package usb

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/gousb"
)

func TestControl(t *testing.T) {
	var got request
	transport, native := openFake(t, func(r request, _ time.Duration) (int, error) {
		got = r
		got.data = slices.Clone(r.data)
		if r.reads() {
			return copy(r.data, "abc"), nil
		}
		return len(r.data), nil
	})
	data := []byte("....")
	if n, err := transport.Control(t.Context(), 0xA1, 2, 3, 4, data); n != 3 || err != nil || string(data) != "abc." {
		t.Errorf("read %q, %d bytes, %v", data, n, err)
	}
	if got.requestType != 0xA1 || got.request != 2 || got.value != 3 || got.index != 4 || len(got.data) != 4 {
		t.Errorf("asked for %+v", got)
	}
	if n, err := transport.Control(t.Context(), 0x21, 1, 2, 0, data); n != 4 || err != nil || string(got.data) != "abc." {
		t.Errorf("wrote %q, %d bytes, %v", got.data, n, err)
	}
	if err := transport.SelectAlt(t.Context(), 2); err != nil || got.requestType != 0x01 || got.request != 11 || got.value != 2 || got.index != 0 || len(got.data) != 0 {
		t.Errorf("SelectAlt: %v by %+v", err, got)
	}
	if _, err := transport.Control(t.Context(), 0xA1, 2, 0, 0, make([]byte, 1<<16)); err == nil {
		t.Error("65536 bytes were cut to none")
	}
	if err := transport.Close(); err != nil || !native.last().closed.Load() {
		t.Errorf("close: %v", err)
	}
	if _, err := transport.Control(t.Context(), 0xA1, 2, 0, 0, data); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err           error
		leaves        bool
		stalled, gone bool
		took          time.Duration
	}{
		{gousb.ErrorPipe, false, true, false, 0},
		{gousb.ErrorPipe, true, true, false, 0},
		{gousb.ErrorNoDevice, false, false, true, 0},
		{gousb.ErrorIO, true, false, true, 200 * time.Millisecond},
		{gousb.ErrorIO, false, false, false, leaveTime},
		{gousb.ErrorOther, true, false, true, 200 * time.Millisecond},
		{gousb.ErrorTimeout, false, false, false, 0},
		{gousb.ErrorOverflow, false, false, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport, native := openFake(t, func(request, time.Duration) (int, error) { return 0, c.err })
			if c.leaves {
				time.AfterFunc(180*time.Millisecond, func() { native.set(func(b *fakeBus) { b.plugged = nil }) })
			}
			start := time.Now()
			_, err := transport.Control(t.Context(), 0xA1, 3, 0, 0, make([]byte, 6))
			if !errors.Is(err, c.err) || isStalled(err) != c.stalled || isGone(err) != c.gone {
				t.Errorf("%v, leaves %v: %v, stalled %v, gone %v", c.err, c.leaves, err, isStalled(err), isGone(err))
			}
			if took := time.Since(start); took != c.took {
				t.Errorf("%v, leaves %v: told after %v, want %v", c.err, c.leaves, took, c.took)
			}
			if err := transport.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whether a device is gone is not known when nobody can look.
func TestErrorsWithoutBus(t *testing.T) {
	transport, native := openFake(t, func(request, time.Duration) (int, error) { return 0, gousb.ErrorIO })
	native.set(func(b *fakeBus) { b.plugged, b.listErr = nil, gousb.ErrorNoMem })
	_, err := transport.Control(t.Context(), 0xA1, 3, 0, 0, nil)
	if isGone(err) || !errors.Is(err, gousb.ErrorIO) || !errors.Is(err, gousb.ErrorNoMem) {
		t.Errorf("%v, want both errors and not gone", err)
	}
	if err := transport.Close(); err != nil {
		t.Error(err)
	}
}

// busy serves transfers that take so long, or their time if that is less.
func busy(d time.Duration) func(request, time.Duration) (int, error) {
	return func(r request, timeout time.Duration) (int, error) {
		time.Sleep(min(d, timeout))
		if timeout < d {
			return 0, gousb.ErrorTimeout
		}
		return copy(r.data, "done"), nil
	}
}

// The context ends in mid-transfer: the caller goes on at once, its data is
// left alone, and the next request waits for the device.
func TestCanceledDuring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, _ := openFake(t, busy(2*time.Second))
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		data, given := []byte("...."), []byte("....")
		if _, err := transport.Control(ctx, 0xA1, 3, 0, 0, given); !errors.Is(err, context.Canceled) || time.Since(start) != 300*time.Millisecond {
			t.Errorf("%v after %v, want canceled after 300ms", err, time.Since(start))
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := transport.Control(short, 0xA1, 3, 0, 0, given); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 1300*time.Millisecond {
			t.Errorf("%v after %v, want the end of the context after 1.3s", err, time.Since(start))
		}
		if _, err := transport.Control(t.Context(), 0xA1, 3, 0, 0, data); err != nil || time.Since(start) != 4*time.Second || string(data) != "done" {
			t.Errorf("%v and %q after %v, want it done after 4s", err, data, time.Since(start))
		}
		if string(given) != "...." {
			t.Errorf("data of requests that were given up is %q", given)
		}
		if err := transport.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Close in the middle of a transfer that was given up: the device is closed
// after it. The fake fails the test else.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, native := openFake(t, busy(2*time.Second))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := transport.Control(ctx, 0xA1, 3, 0, 0, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the end of the context", err)
		}
		native.last().closeErr = gousb.ErrorIO
		err := transport.Close()
		if want := 10*time.Millisecond + grace; time.Since(start) != want {
			t.Errorf("closed after %v, want %v: libusb ends the transfer", time.Since(start), want)
		}
		if !errors.Is(err, gousb.ErrorIO) || !native.last().closed.Load() {
			t.Errorf("closed %v, %v", native.last().closed.Load(), err)
		}
		if again := transport.Close(); !errors.Is(again, gousb.ErrorIO) {
			t.Errorf("the second Close: %v", again) // and nothing was closed twice
		}
	})
}

// Canceled while it is found out why a transfer failed.
func TestCanceledInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport, _ := openFake(t, func(request, time.Duration) (int, error) { return 0, gousb.ErrorIO })
		ctx, cancel := context.WithTimeout(t.Context(), leaveTime/3)
		defer cancel()
		start := time.Now()
		_, err := transport.Control(ctx, 0xA1, 3, 0, 0, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != leaveTime/3 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := transport.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for deadline, want := range map[time.Time]time.Duration{
			{}:                              longest,
			time.Now().Add(5 * time.Second): 5*time.Second + grace,
			time.Now():                      grace,
			time.Now().Add(-time.Hour):      grace,
			time.Now().Add(time.Hour):       longest,
		} {
			if got := timeLeft(deadline); got != want {
				t.Errorf("%v until %v, want %v", got, deadline, want)
			}
		}
	})
}
