//go:build guest

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/gpio"
)

// wire is what hangs on a line: how a pin moves it.
type wire struct {
	wiring gpio.Wiring
	output bool
	high   bool
}

// see takes note of an event and tells whether the board's line is low now.
// Nobody may drive a direct wire high: a button may pull it low.
func (w *wire) see(change lineChange) (low bool, wrong error) {
	switch change {
	case madeOutput:
		w.output = true
	case madeInput, givenBack:
		w.output = false
	case setHigh, setLow:
		w.high = change == setHigh
	}
	if w.wiring == gpio.Direct && w.output && w.high {
		wrong = fmt.Errorf("a direct wire is driven high")
	}
	return w.output && w.high == (w.wiring == gpio.FET), wrong
}

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

// level is that of a line: "0" or "1".
func level(t *testing.T, line string) string {
	t.Helper()
	text, err := os.ReadFile(simFile(t, line, "value"))
	must(t, err)
	return strings.TrimSpace(string(text))
}
