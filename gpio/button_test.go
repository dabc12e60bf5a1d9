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

	"pgregory.net/rapid"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

const ms = time.Millisecond

// finger is a button under test, and what was told of it so far.
type finger struct {
	contact *gpiotest.Contact
	log     bytes.Buffer
	told    []told
}

// told is one press as it was told.
type told struct{ at, held time.Duration }

func (p told) String() string { return fmt.Sprintf("%v at %v", p.held, p.at) }

// watch watches a button in a bubble for as long as use takes, and then some.
func watch(t *testing.T, use func(*finger)) *finger {
	t.Helper()
	f := &finger{}
	synctest.Test(t, func(t *testing.T) {
		f.contact = gpiotest.NewContact()
		button := gpio.NewButton(gpio.ButtonConfig{
			Bay: "bay-1", Contact: f.contact, Log: slog.New(slog.NewTextHandler(&f.log, nil)),
		})
		begun := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for {
				bay, held, err := button.Press(ctx)
				if err != nil {
					return
				}
				if bay != "bay-1" {
					t.Errorf("a press of bay %q", bay)
				}
				f.told = append(f.told, told{time.Since(begun), held})
			}
		}()
		use(f)
		time.Sleep(time.Second)
		cancel()
		synctest.Wait()
	})
	return f
}

// moves opens and closes the contact in turn, each after a wait.
func (f *finger) moves(closed bool, waits ...time.Duration) {
	for _, wait := range waits {
		time.Sleep(wait)
		f.contact.Set(closed)
		closed = !closed
	}
}

func TestButton(t *testing.T) {
	const start = 100 * ms
	cases := map[string]struct {
		waits []time.Duration // until the contact closes, opens, closes ...
		want  string
	}{
		"nothing":                  {nil, "[]"},
		"a press":                  {[]time.Duration{start, 200 * ms}, "[200ms at 320ms]"},
		"two":                      {[]time.Duration{start, 200 * ms, 100 * ms, 50 * ms}, "[200ms at 320ms 50ms at 470ms]"},
		"shorter than a bounce":    {[]time.Duration{start, 19 * ms}, "[]"},
		"as long as a bounce":      {[]time.Duration{start, 21 * ms}, "[21ms at 141ms]"},
		"it bounces when closed":   {[]time.Duration{start, 3 * ms, 3 * ms, 5 * ms, 8 * ms, 200 * ms}, "[200ms at 339ms]"},
		"it bounces when opened":   {[]time.Duration{start, 200 * ms, 5 * ms, 15 * ms}, "[220ms at 340ms]"},
		"it opens for a moment":    {[]time.Duration{start, 200 * ms, 19 * ms, 200 * ms}, "[419ms at 539ms]"},
		"almost long":              {[]time.Duration{start, 4999 * ms}, "[4.999s at 5.119s]"},
		"long, told while it goes": {[]time.Duration{start, 9 * time.Second}, "[5s at 5.1s]"},
		"long, bounces at 5 s":     {[]time.Duration{start, 4995 * ms, 10 * ms, 4 * time.Second}, "[5.005s at 5.105s]"},
		"long, bounces after 5 s":  {[]time.Duration{start, 6 * time.Second, 5 * ms, 5 * ms}, "[5s at 5.1s]"},
		"short after long":         {[]time.Duration{start, 6 * time.Second, 100 * ms, 100 * ms}, "[5s at 5.1s 100ms at 6.32s]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := watch(t, func(f *finger) { f.moves(true, c.waits...) })
			if got := fmt.Sprint(f.told); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// A contact that opens and closes again before anybody looks has bounced.
func TestButtonBouncesUnseen(t *testing.T) {
	f := watch(t, func(f *finger) {
		f.moves(true, 100*ms, 15*ms, 0, 10*ms)
	})
	if len(f.told) != 0 {
		t.Errorf("got %v", f.told)
	}
}

func TestStuckButton(t *testing.T) {
	f := watch(t, func(f *finger) {
		f.contact.Set(true)
		time.Sleep(20 * time.Second)
		f.contact.Set(false)
		f.moves(true, time.Second, 300*ms, 100*ms, 6*time.Second)
	})
	if got := fmt.Sprint(f.told); got != "[300ms at 21.32s 5s at 26.4s]" {
		t.Errorf("got %v", got)
	}
	if count := strings.Count(f.log.String(), "pressed from the start"); count != 1 {
		t.Errorf("it was logged %d times: %s", count, f.log.String())
	}
}

func TestLostButton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contact := gpiotest.NewContact()
		button := gpio.NewButton(gpio.ButtonConfig{Contact: contact, Log: slog.New(slog.DiscardHandler)})
		lost := errors.New("lost")
		time.AfterFunc(time.Second, func() { contact.Break(lost) })
		if _, _, err := button.Press(t.Context()); !errors.Is(err, lost) || !strings.Contains(err.Error(), "of the station") {
			t.Errorf("got %v", err)
		}
	})
}

// A watcher that is called off and comes back goes on where it was.
func TestButtonIsWatchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		contact := gpiotest.NewContact()
		button := gpio.NewButton(gpio.ButtonConfig{Contact: contact, Log: slog.New(slog.DiscardHandler)})
		time.AfterFunc(100*ms, func() { contact.Set(true) })
		time.AfterFunc(1100*ms, func() { contact.Set(false) })
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 7*ms)
			_, held, err := button.Press(ctx)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				continue
			}
			if err != nil || held != time.Second {
				t.Errorf("got %v, %v", held, err)
			}
			return
		}
	})
}

// stroke is one press of a finger with the bouncing at both its ends.
type stroke struct {
	gap, held     time.Duration
	closes, opens []time.Duration // when the contact moves within 20 ms
}

func drawStroke(rt *rapid.T) stroke {
	return stroke{
		gap:    time.Duration(rapid.IntRange(25, 500).Draw(rt, "gap")) * ms,
		held:   time.Duration(rapid.IntRange(25, 12000).Draw(rt, "held")) * ms,
		closes: drawBounces(rt, "close"), opens: drawBounces(rt, "open"),
	}
}

// drawBounces draws an even number of moves that end within 19 ms.
func drawBounces(rt *rapid.T, label string) []time.Duration {
	pairs := rapid.IntRange(0, 9).Draw(rt, label)
	var waits []time.Duration
	left := 19 * ms
	for range 2 * pairs {
		wait := time.Duration(rapid.IntRange(0, int(left/time.Microsecond/2)).Draw(rt, label)) * time.Microsecond
		left -= wait
		waits = append(waits, wait)
	}
	return waits
}

// However contacts bounce, each stroke is told once, with its length.
func TestButtonBounces(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		strokes := rapid.SliceOfN(rapid.Custom(drawStroke), 0, 5).Draw(rt, "strokes")
		f := watch(t, func(f *finger) {
			for _, s := range strokes {
				f.moves(true, s.gap)
				f.moves(false, s.closes...)
				f.moves(false, s.held)
				f.moves(true, s.opens...)
			}
		})
		if len(f.told) != len(strokes) {
			rt.Fatalf("%d presses were told: %v", len(f.told), f.told)
		}
		for i, s := range strokes {
			least, most := s.held, s.held+40*ms
			if s.held >= gpio.DefaultLongPress {
				least, most = gpio.DefaultLongPress, gpio.DefaultLongPress+20*ms
			}
			if got := f.told[i].held; got < least || got > most {
				rt.Errorf("press %d: %v was told, want %v to %v", i, got, least, most)
			}
		}
	})
}
