package serial

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bugst "go.bug.st/serial"
	"golang.org/x/sys/unix"

	virtualduo "duogateway/virtual/duo"
)

// A board in listening mode tells all of it.
func TestAskBoards(t *testing.T) {
	for _, version := range []uint16{3, 7, 9, 10, 11} {
		config := virtualduo.Config{SystemVersion: version, Seed: uint64(version)}
		config.Bootloader = map[uint16]*virtualduo.Bootloader{3: virtualduo.BootloaderR3(), 7: virtualduo.BootloaderR4(), 9: virtualduo.BootloaderR5()}[version]
		onBoard(t, config, func(t *testing.T, p *Ports, b *virtualduo.Board) {
			uid := b.UID()
			if id, err := p.DeviceID(t.Context(), "1-1.4"); err != nil || string(id) != hex.EncodeToString(uid[:]) {
				t.Errorf("id %q, %v", id, err)
			}
			if mac, err := p.MAC(t.Context(), "1-1.4"); err != nil || mac[0] != 2 || mac[5] != uid[4] {
				t.Errorf("MAC %v, %v", mac, err)
			}
			said, err := p.Version(t.Context(), "1-1.4")
			if want := map[uint16]string{3: "0.2.1", 7: "0.2.4", 9: "0.3.1", 10: "0.3.1", 11: "0.3.3"}[version]; err != nil || said != want {
				t.Errorf("version %q, %v, want %q", said, err, want)
			}
			modules, err := p.Modules(t.Context(), "1-1.4")
			if err != nil || len(modules) < 3 || modules[1] != (Module{Function: "s", Number: 1, Version: version, Store: "m", Sound: true}) {
				t.Errorf("modules %+v, %v", modules, err)
			}
		})
	}
}

// A board that is not in listening mode does not answer, and one that leaves
// does not go on.
func TestAskSilentBoards(t *testing.T) {
	onBoard(t, virtualduo.Config{WiFi: true}, func(t *testing.T, p *Ports, b *virtualduo.Board) {
		began := time.Now()
		if id, err := p.DeviceID(t.Context(), "1-1.4"); !errors.Is(err, ErrNoAnswer) || time.Since(began) != answerTime {
			t.Errorf("%q, %v after %v", id, err, time.Since(began))
		}
		time.AfterFunc(time.Second, b.PowerOff)
		if _, err := p.Modules(t.Context(), "1-1.4"); !errors.Is(err, ErrLeft) {
			t.Errorf("it left: %v", err)
		}
	})
}

func TestAsk(t *testing.T) {
	for _, test := range []struct {
		name    string
		packets []string
		readErr error
		want    string
		fault   error
	}{
		{"at once", []string{"a b\r\n"}, nil, "a b", nil},
		{"in pieces", []string{"a", " b\r", "\n"}, nil, "a b", nil},
		{"empty", []string{"\r\n"}, nil, "", nil},
		{"no end", []string{"a b\n"}, nil, "", ErrNoAnswer},
		{"nothing", nil, nil, "", ErrNoAnswer},
		{"goes on", []string{"a\r\nb"}, nil, "", ErrMalformed},
		{"one line more", []string{"a\r\nb\r\n"}, nil, "", ErrMalformed},
		{"without end", []string{strings.Repeat("x", longestAnswer+100)}, nil, "", ErrMalformed},
		{"as long as can be", []string{strings.Repeat("x", longestAnswer-2) + "\r\n"}, nil, strings.Repeat("x", longestAnswer-2), nil},
		{"leaves", []string{"a"}, &bugst.PortError{}, "", &bugst.PortError{}},
		{"hangs up", []string{"a"}, unix.EIO, "", ErrLeft},
		{"fails", []string{"a"}, unix.EBADF, "", unix.EBADF},
	} {
		ports, fake, _ := onFake(t)
		synctest.Test(t, func(t *testing.T) {
			fake.readErr = test.readErr
			fake.pending = []string{"from before\r\n"}
			fake.says = func(byte) []string { return test.packets }
			answer, err := ports.Ask(t.Context(), "1-1.4", AskVersion)
			if answer != test.want || (test.fault == nil) != (err == nil) {
				t.Errorf("%s: %.20q, %v", test.name, answer, err)
			}
			var refused *bugst.PortError
			if test.fault != nil && !errors.Is(err, test.fault) && !errors.As(err, &refused) {
				t.Errorf("%s: %v, want %v", test.name, err, test.fault)
			}
			if fake.closed != 1 || string(fake.wrote) != "v" || len(fake.modes) != 0 {
				t.Errorf("%s: typed %q, rates %v, closed %d times", test.name, fake.wrote, fake.modes, fake.closed)
			}
		})
	}
}

// The answer to m has two lines.
func TestAskTwoLines(t *testing.T) {
	ports, fake, _ := onFake(t)
	fake.says = func(byte) []string { return []string{"Your device MAC address is\r\n", "02:00:00:00:00:01\r\n"} }
	if mac, err := ports.MAC(t.Context(), "1-1.4"); err != nil || mac.String() != "02:00:00:00:00:01" {
		t.Errorf("%v, %v", mac, err)
	}
}

// Only what changes nothing is typed.
func TestAskRefusesCommands(t *testing.T) {
	ports, fake, _ := onFake(t)
	for c := range 256 {
		if strings.ContainsRune("imvs", rune(c)) {
			continue
		}
		if _, err := ports.Ask(t.Context(), "1-1.4", Command(c)); err == nil {
			t.Errorf("command %q is typed", rune(c))
		}
	}
	if len(fake.wrote) != 0 || fake.closed != 0 {
		t.Errorf("typed %q", fake.wrote)
	}
}

// A wait for an answer ends with its context, and nothing stays open.
func TestAskIsStopped(t *testing.T) {
	ports, fake, _ := onFake(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := ports.Version(ctx, "1-1.4")
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > time.Second+lookTime {
			t.Errorf("%v after %v", err, took)
		}
		if _, err := ports.Version(ctx, "1-1.4"); !errors.Is(err, context.DeadlineExceeded) || fake.closed != 1 || len(fake.wrote) != 1 {
			t.Errorf("%v, typed %q, closed %d times", err, fake.wrote, fake.closed)
		}
	})
}
