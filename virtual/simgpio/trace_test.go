package simgpio

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What Linux 6.1 says while a FET's pin is driven, let go, and given back by the
// death of its holder. The chip begins with number 458.
const told = `           <...>-91      [001] .....     7.250001: gpio_value: 475 set 0
           <...>-91      [001] .....     7.250002: gpio_direction: 475 out (0)
           <...>-91      [001] .....     7.250003: gpio_value: 475 set 1
           <...>-91      [001] .....     7.250004: gpio_value: 475 get 1
        gatewayd-91      [000] d..1.     7.270004: gpio_value: 485 set 1
        gatewayd-91      [000] d..1.     7.270005: gpio_direction: 485 out (-5)
        gatewayd-91      [000] d..1.     7.270006: gpio_direction: 485 out (0)
        gatewayd-91      [000] d..1.     7.280000: gpio_direction: 475  in (0)
        gatewayd-91      [000] ...1.     7.290000: free: (gpio_sim_free+0x0/0x60 [gpio_sim]) line=27
          a-test-92      [000] .....     7.290001: tracing_mark_write: simgpio-mark
          a-test-92      [000] .....     7.290002: tracing_mark_write: another
`

func TestParseEvent(t *testing.T) {
	ms := func(us int) time.Duration { return 7*time.Second + time.Duration(us)*time.Microsecond }
	want := []Event{
		{ms(250001), 17, Low}, {ms(250002), 17, Output}, {ms(250003), 17, High},
		{ms(270004), 27, High}, {ms(270006), 27, Output}, {ms(280000), 17, Input}, {ms(290000), 27, GivenBack},
		{ms(290001), 0, Marked},
	}
	var got []Event
	levels := drives{source: Source{"", 17, 27}, wiring: FET}
	var seen []Levels
	for line := range strings.Lines(told) {
		if event, ok := parseEvent(line, 458); ok {
			got, seen = append(got, event), append(seen, levels.see(event))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	none, reset, both, setup := Levels{}, Levels{ResetLow: true}, Levels{true, true}, Levels{SetupLow: true}
	if want := []Levels{none, none, reset, reset, both, setup, none, none}; !slices.Equal(seen, want) {
		t.Errorf("levels %v, want %v", seen, want)
	}
}

// A direct wire is pulled by a low pin, and one that was so from the beginning
// is known to be.
func TestDrivesOfDirectWires(t *testing.T) {
	p := Pins{source: Source{"", 4, 5}, wiring: Direct}
	d := p.drives(Levels{SetupLow: true})
	var seen []Levels
	for _, e := range []Event{{Pin: 9, Change: High}, {Pin: 4, Change: Low}, {Pin: 4, Change: Output}, {Pin: 5, Change: GivenBack}, {Pin: 4, Change: Input}} {
		seen = append(seen, d.see(e))
	}
	setup, both, reset := Levels{SetupLow: true}, Levels{true, true}, Levels{ResetLow: true}
	if want := []Levels{setup, setup, both, reset, {}}; !slices.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
}

// Where the kernel cannot be traced the pins are looked at.
func TestFollowWithoutTrace(t *testing.T) {
	k, chip := fakeKernel(t)
	k.Tracefs = filepath.Join(t.TempDir(), "none")
	put(t, filepath.Join(k.Sysfs, "class/gpio/gpiochip458/label"), "pinctrl-bcm2711\n")
	put(t, filepath.Join(k.Sysfs, "class/gpio/gpiochip458/base"), "458\n")
	if base, err := k.firstPin("pinctrl-bcm2711"); base != 458 || err != nil {
		t.Errorf("the first pin is %d, %v", base, err)
	}
	pins, err := k.Open(Source{"pinctrl-bcm2711", 17, 27}, FET)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pins.Close() }()
	var seen []Levels
	ctx, cancel := context.WithCancel(t.Context())
	err = pins.Follow(ctx, slog.New(slog.DiscardHandler), func(l Levels) error {
		if seen = append(seen, l); l.ResetLow {
			cancel()
		}
		put(t, filepath.Join(chip, "sim_gpio17/value"), "1\n")
		return nil
	})
	if want := []Levels{{}, {ResetLow: true}}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("%v and %v, want %v", seen, err, want)
	}
}

func FuzzParseEvent(f *testing.F) {
	for line := range strings.Lines(told) {
		f.Add(line, 458)
	}
	f.Add("CPU:0 [LOST 12 EVENTS]", 0)
	f.Add("1.0: free: line=1", 0)
	f.Add("1.0: gpio_value: 1", 0)
	f.Fuzz(func(t *testing.T, line string, base int) {
		if e, ok := parseEvent(line, base); ok && (e.Pin < 0 || e.Change == "") {
			t.Errorf("%q is %+v", line, e)
		}
	})
}
