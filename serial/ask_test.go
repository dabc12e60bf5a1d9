package serial

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	long := strings.Repeat("x", longestAnswer-2)
	for _, test := range []struct {
		name  string
		board *fakePort
		want  string
		fault error
	}{
		{"at once", &fakePort{says: []string{"a b\r\n"}}, "a b", nil},
		{"in pieces", &fakePort{says: []string{"a", " b\r", "\n"}}, "a b", nil},
		{"empty", &fakePort{says: []string{"\r\n"}}, "", nil},
		{"no end", &fakePort{says: []string{"a b\n"}}, "", ErrNoAnswer},
		{"nothing", &fakePort{}, "", ErrNoAnswer},
		{"goes on", &fakePort{says: []string{"a\r\nb"}}, "", ErrMalformed},
		{"one line more", &fakePort{says: []string{"a\r\nb\r\n"}}, "", ErrMalformed},
		{"without end", &fakePort{says: []string{long, long}}, "", ErrMalformed},
		{"as long as can be", &fakePort{says: []string{long, "\r\n"}}, long, nil},
		{"hangs up", &fakePort{says: []string{"a"}, leaves: true}, "", ErrLeft},
		{"leaves", &fakePort{says: []string{"a"}, leaves: true, readErr: unix.EIO}, "", ErrLeft},
		{"fails", &fakePort{says: []string{"a"}, leaves: true, readErr: unix.EBADF}, "", unix.EBADF},
	} {
		ports, _, _ := onFake(t)
		fake := test.board
		ports.open = fake.open
		synctest.Test(t, func(t *testing.T) {
			answer, err := ports.Ask(t.Context(), "1-1.4", AskVersion)
			if answer != test.want || !errors.Is(err, test.fault) {
				t.Errorf("%s: %.20q, %v, want %v", test.name, answer, err, test.fault)
			}
			if fake.closed != 1 || string(fake.typed) != "v" || len(fake.rates) != 0 {
				t.Errorf("%s: typed %q, rates %v, closed %d times", test.name, fake.typed, fake.rates, fake.closed)
			}
		})
	}
}

// The answer to m has two lines.
func TestAskTwoLines(t *testing.T) {
	ports, fake, _ := onFake(t)
	fake.says = []string{"Your device MAC address is\r\n", "02:00:00:00:00:01\r\n"}
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
	if fake.opened != 0 {
		t.Error("the port was opened")
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
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if _, err := ports.Version(ctx, "1-1.4"); !errors.Is(err, context.DeadlineExceeded) || fake.opened != 1 || fake.closed != 1 {
			t.Errorf("%v, opened %d times, closed %d times", err, fake.opened, fake.closed)
		}
	})
}
