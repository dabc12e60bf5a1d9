package serial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
)

// One rate is set and no other one, the board that leaves is told nothing more,
// and nothing is typed.
func TestEnterDFU(t *testing.T) {
	ports, fake, _ := onFake(t)
	if err := ports.EnterDFU(t.Context(), "1-1.4"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(fake.rates, []rate{{14400, false}}) || fake.closed != 1 || len(fake.typed) != 0 {
		t.Errorf("rates %v, closed %d times, typed %q", fake.rates, fake.closed, fake.typed)
	}
}

// Errors that tell that the board leaves are what was wanted; others are not.
func TestEnterDFUFaults(t *testing.T) {
	for fault, ok := range map[error]bool{
		unix.EIO: true, unix.ENODEV: true, unix.ENXIO: true, fmt.Errorf("ioctl: %w", unix.EIO): true,
		unix.EINVAL: false, unix.EPERM: false,
	} {
		ports, fake, _ := onFake(t)
		fake.fail = fault
		err := ports.EnterDFU(t.Context(), "1-1.4")
		if (err == nil) != ok || fake.closed != 1 || (!ok && !errors.Is(err, fault)) {
			t.Errorf("%v: %v, closed %d times", fault, err, fake.closed)
		}
	}
}

func TestEnterDFUCannotOpen(t *testing.T) {
	s := newSysfs(t)
	if err := s.ports(nil).EnterDFU(t.Context(), "1-1.4"); !errors.Is(err, ErrNoPort) {
		t.Errorf("no port: %v", err)
	}
	s.duo()
	busy := s.ports(func(string) (port, error) { return nil, ErrBusy })
	if err := busy.EnterDFU(t.Context(), "1-1.4"); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "ModemManager") {
		t.Errorf("busy: %v", err)
	}
}

// A tty that has become another board's while it was opened is not touched.
func TestSwappedWhileOpening(t *testing.T) {
	for name, swap := range map[string]func(s sysfs){
		"gone":        func(s sysfs) { s.unplug("ttyACM0", "1-1.4") },
		"on its port": func(s sysfs) { s.unplug("ttyACM0", "1-1.4"); s.plug("ttyACM0", "1-1.4", "2b04", "c058", "8") },
		"on another": func(s sysfs) {
			s.unplug("ttyACM0", "1-1.4")
			s.plug("ttyACM0", "1-1.3", "2b04", "c058", "8")
		},
	} {
		_, fake, s := onFake(t)
		ports := s.ports(func(path string) (port, error) {
			swap(s)
			return fake.open(path)
		})
		err := ports.EnterDFU(t.Context(), "1-1.4")
		if !errors.Is(err, ErrLeft) && !errors.Is(err, ErrNoPort) {
			t.Errorf("%s: %v", name, err)
		}
		if len(fake.rates) != 0 || fake.closed != 1 {
			t.Errorf("%s: rates %v, closed %d times", name, fake.rates, fake.closed)
		}
	}
}

// A context that has ended keeps the board from being asked.
func TestEnterDFUIsStopped(t *testing.T) {
	for _, late := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		_, fake, s := onFake(t)
		ports := s.ports(func(path string) (port, error) {
			cancel()
			return fake.open(path)
		})
		if !late {
			cancel()
		}
		if err := ports.EnterDFU(ctx, "1-1.4"); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped with %v", err)
		}
		if len(fake.rates) != 0 || fake.closed != fake.opened {
			t.Errorf("rates %v, opened %d times, closed %d times", fake.rates, fake.opened, fake.closed)
		}
	}
}

// Every generation of firmware goes into DFU mode, whether it listens or not.
func TestEnterDFUOnBoards(t *testing.T) {
	for _, name := range []string{"r3", "r4", "r5", "r6"} {
		for _, wifi := range []bool{false, true} {
			loader, err := virtualduo.BootloaderByName(name)
			if err != nil {
				t.Fatal(err)
			}
			onBoard(t, virtualduo.Config{Bootloader: loader, FactoryImage: true, WiFi: wifi}, func(t *testing.T, p *Ports, b *virtualduo.Board) {
				if err := p.EnterDFU(t.Context(), "1-1.4"); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				if at, _ := b.Attached(); at.Product != duo.ProductDFU {
					t.Errorf("%s: product %04x", name, at.Product)
				}
			})
		}
	}
}
