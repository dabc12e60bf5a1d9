package serial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
)

// The rate is set and taken back at once, no other rate is set, and nothing is
// typed.
func TestEnterDFU(t *testing.T) {
	ports, fake, _ := onFake(t)
	if err := ports.EnterDFU(t.Context(), "1-1.4"); err != nil {
		t.Fatal(err)
	}
	equal(t, fake.modes, []int{14400, 9600})
	if fake.closed != 1 || len(fake.wrote) != 0 {
		t.Errorf("closed %d times, typed %q", fake.closed, fake.wrote)
	}
}

// Errors that tell that the board leaves are what was wanted; others are not.
func TestEnterDFUFaults(t *testing.T) {
	for _, test := range []struct {
		set, back error
		ok, warns bool
	}{
		{unix.EIO, unix.EIO, true, true},
		{unix.ENODEV, unix.ENXIO, true, true},
		{fmt.Errorf("ioctl: %w", unix.ENXIO), nil, true, false},
		{nil, unix.EIO, true, true},
		{unix.EINVAL, nil, false, false},
		{unix.EPERM, unix.EPERM, false, true},
	} {
		ports, fake, _ := onFake(t)
		var log bytes.Buffer
		ports.log = slog.New(slog.NewTextHandler(&log, nil))
		fake.fail = map[int]error{14400: test.set, 9600: test.back}
		err := ports.EnterDFU(t.Context(), "1-1.4")
		if (err == nil) != test.ok || fake.closed != 1 || (!test.ok && !errors.Is(err, test.set)) {
			t.Errorf("%v: %v, closed %d times", test.set, err, fake.closed)
		}
		if warns := strings.Contains(log.String(), "may keep the baud rate"); warns != test.warns {
			t.Errorf("%v: log %q", test.set, &log)
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
		ports := s.ports(func(string) (port, error) {
			swap(s)
			return fake, nil
		})
		err := ports.EnterDFU(t.Context(), "1-1.4")
		if !errors.Is(err, ErrLeft) && !errors.Is(err, ErrNoPort) {
			t.Errorf("%s: %v", name, err)
		}
		if len(fake.modes) != 0 || fake.closed != 1 {
			t.Errorf("%s: rates %v, closed %d times", name, fake.modes, fake.closed)
		}
	}
}

// A context that has ended keeps the board from being asked.
func TestEnterDFUIsStopped(t *testing.T) {
	for _, late := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		_, fake, s := onFake(t)
		opened := 0
		ports := s.ports(func(string) (port, error) {
			opened++
			cancel()
			return fake, nil
		})
		if !late {
			cancel()
		}
		if err := ports.EnterDFU(ctx, "1-1.4"); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped with %v", err)
		}
		if len(fake.modes) != 0 || fake.closed != opened {
			t.Errorf("rates %v, opened %d times, closed %d times", fake.modes, opened, fake.closed)
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
