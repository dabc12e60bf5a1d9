package simgpio

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Wiring is what is between a pin and its line.
type Wiring string

const (
	// FET: a transistor; a high pin pulls the line low.
	FET Wiring = "fet"
	// Direct: the pin is the line.
	Direct Wiring = "direct"
)

// Kernel is where the kernel shows its simulated chips.
type Kernel struct {
	// Configfs is empty for /sys/kernel/config, Sysfs for /sys, Tracefs for
	// /sys/kernel/tracing.
	Configfs, Sysfs, Tracefs string
}

func (k Kernel) configfs() string { return cmp.Or(k.Configfs, "/sys/kernel/config") }
func (k Kernel) sysfs() string    { return cmp.Or(k.Sysfs, "/sys") }
func (k Kernel) tracefs() string  { return cmp.Or(k.Tracefs, "/sys/kernel/tracing") }

// Pins are two pins of a simulated chip, watched from the board's side.
type Pins struct {
	kernel       Kernel
	source       Source
	wiring       Wiring
	reset, setup *os.File
}

// Open finds the chip by its label and watches its pins. With direct wiring
// it also gives them the pull-ups of the board.
func (k Kernel) Open(source Source, wiring Wiring) (*Pins, error) {
	if wiring != FET && wiring != Direct {
		return nil, fmt.Errorf("wiring is %q, not %q or %q", wiring, FET, Direct)
	}
	chip, err := k.chip(source.Label)
	if err != nil {
		return nil, err
	}
	reset, err := openPin(chip, source.Reset, wiring)
	if err != nil {
		return nil, err
	}
	setup, err := openPin(chip, source.Setup, wiring)
	if err != nil {
		_ = reset.Close() // it was only read
		return nil, err
	}
	return &Pins{k, source, wiring, reset, setup}, nil
}

// chip is the folder in sysfs of the live chip with a label.
func (k Kernel) chip(label string) (string, error) {
	labels, err := filepath.Glob(filepath.Join(k.configfs(), "gpio-sim/*/*/label"))
	if err != nil {
		return "", fmt.Errorf("look for simulated GPIO chips: %w", err)
	}
	for _, file := range labels {
		if text, err := attribute(file); err != nil || text != label {
			continue
		}
		bank := filepath.Dir(file)
		device, err := attribute(filepath.Join(filepath.Dir(bank), "dev_name"))
		if err != nil {
			return "", err
		}
		chip, err := attribute(filepath.Join(bank, "chip_name"))
		if err != nil {
			return "", err
		}
		return filepath.Join(k.sysfs(), "devices/platform", device, chip), nil
	}
	return "", fmt.Errorf("there is no simulated GPIO chip with the label %q in %s/gpio-sim", label, k.configfs())
}

func attribute(file string) (string, error) {
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}

// openPin opens the level of a pin.
func openPin(chip string, offset int, wiring Wiring) (*os.File, error) {
	folder := filepath.Join(chip, fmt.Sprintf("sim_gpio%d", offset))
	if wiring == Direct {
		if err := os.WriteFile(filepath.Join(folder, "pull"), []byte("pull-up"), 0); err != nil {
			return nil, fmt.Errorf("pull pin %d up: %w", offset, err)
		}
	}
	value, err := os.Open(filepath.Join(folder, "value"))
	if err != nil {
		return nil, fmt.Errorf("watch pin %d: %w", offset, err)
	}
	return value, nil
}

// Levels reads the lines as the board sees them now.
func (p *Pins) Levels() (Levels, error) {
	reset, err := p.low(p.reset)
	if err != nil {
		return Levels{}, err
	}
	setup, err := p.low(p.setup)
	return Levels{reset, setup}, err
}

// low tells whether a pin pulls its line low.
func (p *Pins) low(pin *os.File) (bool, error) {
	var level [1]byte
	if _, err := pin.ReadAt(level[:], 0); err != nil {
		return false, fmt.Errorf("read a pin: %w", err)
	}
	return (level[0] == '1') == (p.wiring == FET), nil
}

// Close stops watching.
func (p *Pins) Close() error { return errors.Join(p.reset.Close(), p.setup.Close()) }
