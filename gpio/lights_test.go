package gpio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

// shelf is three lamps and the lights that drive them.
type shelf struct {
	lamps  map[gpio.Colour]*gpiotest.Lamp
	lights *gpio.Lights
	log    bytes.Buffer
}

// light runs lights in a bubble for as long as use takes.
func light(t *testing.T, use func(*shelf)) *shelf {
	t.Helper()
	s := &shelf{lamps: map[gpio.Colour]*gpiotest.Lamp{}}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		pins := map[gpio.Colour]gpio.Pin{}
		for _, colour := range []gpio.Colour{gpio.Green, gpio.Red, gpio.Blue} {
			s.lamps[colour] = gpiotest.NewLamp(func() time.Duration { return time.Since(begun) })
			pins[colour] = s.lamps[colour]
		}
		s.lights = gpio.NewLights(slog.New(slog.NewTextHandler(&s.log, nil)), pins)
		ctx, cancel := context.WithCancel(t.Context())
		go s.lights.Run(ctx)
		use(s)
		cancel()
		synctest.Wait()
	})
	return s
}

// seen says what the lamp of a colour did.
func (s *shelf) seen(colour gpio.Colour) string {
	var words []string
	for _, change := range s.lamps[colour].Changes() {
		words = append(words, fmt.Sprintf("%v %v", change.At, map[bool]string{true: "on", false: "off"}[change.Lit]))
	}
	return strings.Join(words, ", ")
}

func TestLights(t *testing.T) {
	cases := map[gpio.Pattern]struct {
		colours []gpio.Colour
		want    string // within 3.5 s
	}{
		gpio.PatternOff:       {nil, ""},
		gpio.PatternIdle:      {[]gpio.Colour{gpio.Blue}, "0s on, 100ms off, 3s on, 3.1s off"},
		gpio.PatternProven:    {[]gpio.Colour{gpio.Green}, "0s on, 3.5s off"},
		gpio.PatternUnproven:  {[]gpio.Colour{gpio.Blue}, "0s on, 150ms off, 350ms on, 500ms off, 2s on, 2.15s off, 2.35s on, 2.5s off"},
		gpio.PatternBusy:      {[]gpio.Colour{gpio.Blue}, "0s on, 1s off, 2s on, 3s off"},
		gpio.PatternFail:      {[]gpio.Colour{gpio.Red}, "0s on, 200ms off, 400ms on, 600ms off, 800ms on, 1s off, 1.2s on, 1.4s off"},
		gpio.PatternError:     {[]gpio.Colour{gpio.Red}, "0s on, 150ms off, 350ms on, 500ms off, 700ms on, 850ms off, 2.35s on"},
		gpio.PatternAttention: {[]gpio.Colour{gpio.Red, gpio.Blue}, "0s on, 1.8s off, 2s on, 3.5s off"},
		"not in the table":    {[]gpio.Colour{gpio.Red, gpio.Blue}, "0s on, 1.8s off, 2s on, 3.5s off"},
	}
	for pattern, c := range cases {
		t.Run(string(pattern), func(t *testing.T) {
			s := light(t, func(s *shelf) {
				s.lights.Show(pattern)
				time.Sleep(3500 * ms)
			})
			for colour, lamp := range s.lamps {
				want := ""
				if slices.Contains(c.colours, colour) {
					want = c.want
				}
				if got := s.seen(colour); got != want && (want == "" || !strings.HasPrefix(got, want)) {
					t.Errorf("%s: %s, want %s", colour, got, want)
				}
				if lamp.Lit() || !lamp.Closed() {
					t.Errorf("%s: lit %v, closed %v at the end", colour, lamp.Lit(), lamp.Closed())
				}
			}
		})
	}
}

func TestLightsChange(t *testing.T) {
	s := light(t, func(s *shelf) {
		s.lights.Show(gpio.PatternBusy)
		time.Sleep(1500 * ms)
		s.lights.Show(gpio.PatternBusy) // goes on in its rhythm
		time.Sleep(time.Second)
		s.lights.Show(gpio.PatternFail)
		s.lights.Show(gpio.PatternProven)
		time.Sleep(10 * time.Second)
	})
	if got := s.seen(gpio.Blue); got != "0s on, 1s off, 2s on, 2.5s off" {
		t.Errorf("blue: %s", got)
	}
	if got := s.seen(gpio.Green); got != "2.5s on, 12.5s off" {
		t.Errorf("green: %s", got)
	}
	if got := s.seen(gpio.Red); got != "" {
		t.Errorf("red: %s", got)
	}
}

func TestBrokenLight(t *testing.T) {
	s := light(t, func(s *shelf) {
		s.lamps[gpio.Blue].Break(errors.New("broken"))
		s.lights.Show(gpio.PatternAttention)
		time.Sleep(3 * time.Second)
		s.lamps[gpio.Blue].Break(nil)
		time.Sleep(2 * time.Second)
	})
	if got := s.seen(gpio.Red); got != "0s on, 1.8s off, 2s on, 3.8s off, 4s on, 5s off" {
		t.Errorf("red: %s", got)
	}
	if got := s.seen(gpio.Blue); got != "4s on, 5s off" {
		t.Errorf("blue: %s", got)
	}
	if count := strings.Count(s.log.String(), "does not work"); count != 1 {
		t.Errorf("logged %d times: %s", count, s.log.String())
	}
}

func TestNoLights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lights := gpio.NewLights(slog.New(slog.DiscardHandler), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		lights.Show(gpio.PatternBusy)
		lights.Run(ctx)
	})
}

// What a person sees who does not tell colours apart is the rhythm alone.
func TestDisplaysDiffer(t *testing.T) {
	all := gpio.Displays()
	for i, a := range all {
		if len(a.Rhythm)%2 != 0 {
			t.Errorf("%s ends lit and begins lit", a.Pattern)
		}
		for _, b := range all[:i] {
			if bothLit := len(a.Colours) > 0 && len(b.Colours) > 0; bothLit && reflect.DeepEqual(a.Rhythm, b.Rhythm) {
				t.Errorf("%s and %s have one rhythm", a.Pattern, b.Pattern)
			}
			if a.Pattern == b.Pattern || a.Looks == b.Looks {
				t.Errorf("%s and %s are one", a.Pattern, b.Pattern)
			}
		}
	}
}

// Some people do not stand more than three flashes a second.
func TestDisplaysAreBearable(t *testing.T) {
	for _, d := range gpio.Displays() {
		for i := 0; i+1 < len(d.Rhythm); i += 2 {
			if period := d.Rhythm[i] + d.Rhythm[i+1]; period < time.Second/3 {
				t.Errorf("%s flashes every %v", d.Pattern, period)
			}
		}
	}
}

// Green says that the board may go: nothing else does.
func TestGreenIsProven(t *testing.T) {
	for _, d := range gpio.Displays() {
		if green := slices.Contains(d.Colours, gpio.Green); green != (d.Pattern == gpio.PatternProven) {
			t.Errorf("%s: green %v", d.Pattern, green)
		}
	}
}

func TestWorst(t *testing.T) {
	const off, idle, proven, unproven, busy, fail, wrong, look = gpio.PatternOff, gpio.PatternIdle, gpio.PatternProven,
		gpio.PatternUnproven, gpio.PatternBusy, gpio.PatternFail, gpio.PatternError, gpio.PatternAttention
	for _, c := range []struct {
		of   []gpio.Pattern
		want gpio.Pattern
	}{
		{nil, off},
		{[]gpio.Pattern{idle, off}, idle},
		{[]gpio.Pattern{idle, proven}, proven},
		{[]gpio.Pattern{unproven, proven}, unproven},
		{[]gpio.Pattern{proven, busy, unproven}, busy},
		{[]gpio.Pattern{busy, fail}, fail},
		{[]gpio.Pattern{wrong, fail, busy}, wrong},
		{[]gpio.Pattern{look, wrong}, look},
		{[]gpio.Pattern{"not in the table", proven}, look},
	} {
		if got := gpio.Worst(c.of...); got != c.want {
			t.Errorf("the worst of %v is %s, want %s", c.of, got, c.want)
		}
	}
}

// The page for technicians holds the table, word by word.
func TestManualHoldsTheTable(t *testing.T) {
	page, err := os.ReadFile("../docs/lights.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range gpio.Displays() {
		row := fmt.Sprintf("| %s | %s | %s | %s |", d.Pattern, d.Looks, d.Means, d.Do)
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/lights.md lacks the row\n%s", row)
		}
	}
}
