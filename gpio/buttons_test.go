package gpio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

// panel is two buttons of bays and one of the station.
type panel struct {
	contacts map[string]*gpiotest.Contact
	buttons  *gpio.Buttons
	log      bytes.Buffer
}

func newPanel() *panel {
	p := &panel{contacts: map[string]*gpiotest.Contact{}}
	log := slog.New(slog.NewTextHandler(&p.log, nil))
	var all []*gpio.Button
	for _, bay := range []string{"a", "b", ""} {
		p.contacts[bay] = gpiotest.NewContact()
		all = append(all, gpio.NewButton(gpio.ButtonConfig{Bay: bay, Contact: p.contacts[bay], Log: log}))
	}
	p.buttons = gpio.NewButtons(log, all...)
	return p
}

// push presses a button later, for a time.
func (p *panel) push(bay string, after, held time.Duration) {
	time.AfterFunc(after, func() { p.contacts[bay].Set(true) })
	time.AfterFunc(after+held, func() { p.contacts[bay].Set(false) })
}

func (p *panel) next(t *testing.T) string {
	t.Helper()
	bay, held, err := p.buttons.Press(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%q %v", bay, held)
}

func TestButtons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		p.push("b", 100*ms, 300*ms)
		p.push("a", 200*ms, time.Second)
		p.push("", time.Second, 6*time.Second)
		for _, want := range []string{`"b" 300ms`, `"a" 1s`, `"" 5s`} {
			if got := p.next(t); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// Two that are let go in one moment are two presses.
func TestButtonsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		for bay := range p.contacts {
			p.push(bay, 100*ms, 300*ms)
		}
		seen := map[string]bool{}
		for range 3 {
			seen[p.next(t)] = true
		}
		if len(seen) != 3 {
			t.Errorf("got %v", seen)
		}
	})
}

// A button that is lost does not take the others along.
func TestButtonsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		p.contacts["a"].Break(errors.New("lost"))
		p.push("b", 100*ms, 300*ms)
		if got := p.next(t); got != `"b" 300ms` {
			t.Errorf("got %s", got)
		}
		if log := p.log.String(); strings.Count(log, "cannot be watched") != 1 || !strings.Contains(log, "bay a") {
			t.Errorf("the log is: %s", log)
		}
		for _, c := range p.contacts {
			c.Break(errors.New("lost too"))
		}
		if _, _, err := p.buttons.Press(t.Context()); err == nil || t.Context().Err() != nil {
			t.Errorf("got %v with no button left", err)
		}
	})
}

func TestButtonsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPanel()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := p.buttons.Press(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		p.push("a", 100*ms, 300*ms)
		if got := p.next(t); got != `"a" 300ms` {
			t.Errorf("got %s", got)
		}
		if p.log.Len() != 0 {
			t.Errorf("logged: %s", p.log.String())
		}
	})
}
