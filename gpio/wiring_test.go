package gpio_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"duogateway/gpio"
)

// recorder is a pin that writes down what is done to it.
type recorder struct{ done []string }

func (r *recorder) note(what string) error { r.done = append(r.done, what); return nil }
func (r *recorder) Low() error             { return r.note("low") }
func (r *recorder) High() error            { return r.note("high") }
func (r *recorder) Input() error           { return r.note("input") }
func (r *recorder) Close() error           { return r.note("close") }

// A direct wire is never driven high: the board's button pulls it low.
func TestWiringDrivesThePin(t *testing.T) {
	want := map[gpio.Wiring][]string{
		gpio.FET:    {"high", "low", "input", "close"},
		gpio.Direct: {"low", "input", "close"},
	}
	for wiring, want := range want {
		var pin recorder
		line := gpio.NewLine(wiring, func() (gpio.Pin, error) { return &pin, nil })
		for _, do := range []func() error{line.Assert, line.Release, line.Close, line.Close} {
			if err := do(); err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(pin.done, want) {
			t.Errorf("%s: got %v, want %v", wiring, pin.done, want)
		}
	}
}

func TestParseWiring(t *testing.T) {
	for _, name := range []string{"fet", "direct"} {
		var w gpio.Wiring
		if err := w.UnmarshalText([]byte(name)); err != nil || w.String() != name {
			t.Errorf("%q: got %q, %v", name, w, err)
		}
	}
	for _, name := range []string{"", "FET", "open-drain"} {
		if w, err := gpio.ParseWiring(name); err == nil {
			t.Errorf("%q: got %q", name, w)
		}
	}
}

// P2: a pin whose power-on pull would press a button of the board is refused.
func TestCheckWiring(t *testing.T) {
	for number := range 28 {
		name := fmt.Sprintf("GPIO%d", number)
		fit := map[gpio.Wiring]bool{gpio.FET: number >= 9, gpio.Direct: number <= 8}
		for wiring, fit := range fit {
			if err := gpio.CheckWiring(name, wiring); (err == nil) != fit {
				t.Errorf("%s with %s: got %v", name, wiring, err)
			}
		}
	}
	for name, pull := range map[string]gpio.Pull{"SDA1": gpio.PullUp, "SPI_CE0_N": gpio.PullUp, "SPI_MISO": gpio.PullDown, "TXD1": gpio.PullDown} {
		if got, ok := gpio.PowerOnPull(name); !ok || got != pull {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "GPIO", "GPIO28", "GPIO-1", "gpio17", "GPIO1x", "GPIO300", "BT_ON", "line0"} {
		for _, wiring := range []gpio.Wiring{gpio.FET, gpio.Direct} {
			if err := gpio.CheckWiring(name, wiring); err != nil {
				t.Errorf("an unknown line is refused: %v", err)
			}
		}
	}
}

func TestBayCheck(t *testing.T) {
	good := gpio.Bay{Name: "bay-1", Chip: "pinctrl-bcm2711", Reset: "GPIO17", Setup: "GPIO27", Wiring: gpio.FET}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	bad := map[string]func(*gpio.Bay){
		"name":     func(b *gpio.Bay) { b.Name = "../bay" },
		"no name":  func(b *gpio.Bay) { b.Name = "" },
		"long":     func(b *gpio.Bay) { b.Name = strings.Repeat("b", 65) },
		"newline":  func(b *gpio.Bay) { b.Name = "bay\n" },
		"one line": func(b *gpio.Bay) { b.Setup = b.Reset },
		"no line":  func(b *gpio.Bay) { b.Reset = "" },
		"wiring":   func(b *gpio.Bay) { b.Wiring = "relay" },
		"direct":   func(b *gpio.Bay) { b.Wiring = gpio.Direct },
		"pull":     func(b *gpio.Bay) { b.Setup = "GPIO4" },
	}
	for name, spoil := range bad {
		bay := good
		spoil(&bay)
		if bay.Check() == nil {
			t.Errorf("%s: %+v passes", name, bay)
		}
	}
}

func TestGestureCheck(t *testing.T) {
	for hold, ok := range map[string]bool{"0s": true, "3.1s": true, "5.5s": true, "3.099s": false, "5.501s": false, "-1s": false, "7s": false} {
		if err := (gpio.Gesture{Hold: duration(t, hold)}).Check(); (err == nil) != ok {
			t.Errorf("%s: got %v", hold, err)
		}
	}
}

// Lines in use and lines that do not work are two faults.
func TestLineErrors(t *testing.T) {
	for _, cause := range []error{gpio.ErrLinesBusy, errors.New("no such chip")} {
		busy := errors.Is(cause, gpio.ErrLinesBusy)
		line := gpio.NewLine(gpio.FET, func() (gpio.Pin, error) { return nil, fmt.Errorf("GPIO17: %w", cause) })
		for _, do := range []func() error{line.Open, line.Assert, line.Release} {
			if err := do(); !errors.Is(err, cause) || errors.Is(err, gpio.ErrLinesBusy) != busy || errors.Is(err, gpio.ErrLines) == busy {
				t.Errorf("%v: got %v", cause, err)
			}
		}
		if err := line.Close(); err != nil {
			t.Errorf("close a line that was never claimed: %v", err)
		}
	}
}
