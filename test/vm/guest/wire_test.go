//go:build guest

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/gpio"
	"duogateway/virtual/simgpio"
)

// wire is what hangs on a line: how a pin moves it.
type wire struct {
	wiring gpio.Wiring
	output bool
	high   bool
}

// see takes note of an event and tells whether the board's line is low now.
// Nobody may drive a direct wire high: a button may pull it low.
func (w *wire) see(change simgpio.Change) (low bool, wrong error) {
	switch change {
	case simgpio.Output:
		w.output = true
	case simgpio.Input, simgpio.GivenBack:
		w.output = false
	case simgpio.High, simgpio.Low:
		w.high = change == simgpio.High
	}
	if w.wiring == gpio.Direct && w.output && w.high {
		wrong = errors.New("a direct wire is driven high")
	}
	return w.output && w.high == (w.wiring == gpio.FET), wrong
}

// lineOf is the name of the line of an event.
func lineOf(event simgpio.Event) string { return fmt.Sprintf("GPIO%d", event.Pin) }

// simFile is a file of gpio-sim for a line: its value, or its pull.
func simFile(t *testing.T, line, file string) string {
	t.Helper()
	found, err := filepath.Glob("/sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio" + strings.TrimPrefix(line, "GPIO") + "/" + file)
	if err != nil || len(found) != 1 {
		t.Fatalf("gpio-sim has %v for %s, %v", found, line, err)
	}
	return found[0]
}

// pull pulls a line up or down, as a resistor or a button does.
func pull(t *testing.T, line, to string) {
	t.Helper()
	must(t, os.WriteFile(simFile(t, line, "pull"), []byte("pull-"+to), 0))
}
