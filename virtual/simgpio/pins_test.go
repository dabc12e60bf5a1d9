package simgpio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeKernel is one chip, as gpio-sim shows it, with pins 17 and 27.
func fakeKernel(t *testing.T) (Kernel, string) {
	t.Helper()
	root := t.TempDir()
	k := Kernel{Configfs: filepath.Join(root, "config"), Sysfs: filepath.Join(root, "sys")}
	for name, text := range map[string]string{
		"config/gpio-sim/other/bank0/label":     "another",
		"config/gpio-sim/board/bank0/label":     "pinctrl-bcm2711\n",
		"config/gpio-sim/board/bank0/chip_name": "gpiochip3\n",
		"config/gpio-sim/board/dev_name":        "gpio-sim.1\n",
	} {
		put(t, filepath.Join(root, name), text)
	}
	chip := filepath.Join(root, "sys/devices/platform/gpio-sim.1/gpiochip3")
	for _, pin := range []string{"sim_gpio17", "sim_gpio27"} {
		put(t, filepath.Join(chip, pin, "value"), "0\n")
		put(t, filepath.Join(chip, pin, "pull"), "pull-down\n")
	}
	return k, chip
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPinsByWiring(t *testing.T) {
	for _, c := range []struct {
		wiring       Wiring
		reset, setup string
		want         Levels
		pull         string
	}{
		{FET, "0", "0", Levels{}, "pull-down\n"},
		{FET, "1", "0", Levels{ResetLow: true}, "pull-down\n"},
		{FET, "0", "1", Levels{SetupLow: true}, "pull-down\n"},
		{Direct, "1", "1", Levels{}, "pull-up"},
		{Direct, "0", "1", Levels{ResetLow: true}, "pull-up"},
	} {
		k, chip := fakeKernel(t)
		pins, err := k.Open(Source{"pinctrl-bcm2711", 17, 27}, c.wiring)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(chip, "sim_gpio17/value"), c.reset+"\n")
		put(t, filepath.Join(chip, "sim_gpio27/value"), c.setup+"\n")
		if got, err := pins.Levels(); got != c.want || err != nil {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
		if pull, err := os.ReadFile(filepath.Join(chip, "sim_gpio17/pull")); string(pull) != c.pull || err != nil {
			t.Errorf("%+v: pull %q, %v", c, pull, err)
		}
		if err := pins.Close(); err != nil {
			t.Error(err)
		}
		if _, err := pins.Levels(); err == nil {
			t.Error("closed pins have levels")
		}
	}
}

func TestPinsThatAreNotThere(t *testing.T) {
	for _, c := range []struct {
		source Source
		wiring Wiring
		want   string
	}{
		{Source{"none", 17, 27}, FET, `label "none"`},
		{Source{"another", 17, 27}, FET, "dev_name"},
		{Source{"pinctrl-bcm2711", 5, 27}, FET, "watch pin 5"},
		{Source{"pinctrl-bcm2711", 17, 5}, FET, "watch pin 5"},
		{Source{"pinctrl-bcm2711", 17, 5}, Direct, "pull pin 5 up"},
		{Source{"pinctrl-bcm2711", 17, 27}, "", `wiring is ""`},
	} {
		k, _ := fakeKernel(t)
		if _, err := k.Open(c.source, c.wiring); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.source, err, c.want)
		}
	}
}

func TestSources(t *testing.T) {
	for text, want := range map[string]Source{
		"pinctrl-bcm2711:17:27": {"pinctrl-bcm2711", 17, 27},
		"a:0:1":                 {"a", 0, 1},
	} {
		var got Source
		if err := got.UnmarshalText([]byte(text)); got != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "a:1", ":1:2", "a:b:2", "a:1:b", "a:-1:2", "a:1:2:3", "a:1:70000"} {
		var got Source
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
