package chip

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"duogateway/gpio"
)

// modules are the drivers of the Raspberry Pi's chips, by the label of the
// chip, that have the parameter persist_gpio_outputs: raspberrypi/linux since
// pull request 6150 for both, Linux since commit 8ff05989b44e for the first.
var modules = []struct{ label, module string }{
	{"pinctrl-bcm2835", "pinctrl_bcm2835"},
	{"pinctrl-bcm2711", "pinctrl_bcm2835"},
	{"pinctrl-rp1", "pinctrl_rp1"},
}

// selfTest believes a kernel that says that it keeps outputs. One that says
// that it does not is tried all the same, if there is a line to try: on a
// Raspberry Pi 5 whose device tree lacks gpio-ranges, the driver never learns
// that a line was closed (raspberrypi/linux pull request 6117).
func (h *host) selfTest(chip, name string) error {
	says, known := h.persists(chip)
	switch {
	case known && says:
		return fmt.Errorf("GPIO chip %s: %w (the kernel says so)", chip, gpio.ErrKeepsOutputs)
	case name != "":
		return h.tryLine(chip, name)
	case known:
		return nil
	}
	return fmt.Errorf("GPIO chip %s: the kernel does not say whether it lets go of closed lines, and there is no line to try it with", chip)
}

// persists returns the kernel's own word, if it has one for this chip.
func (h *host) persists(chip string) (says, known bool) {
	for _, m := range modules {
		if m.label != chip {
			continue
		}
		value, err := fs.ReadFile(h.sys, "module/"+m.module+"/parameters/persist_gpio_outputs")
		return strings.TrimSpace(string(value)) == "Y", err == nil
	}
	return false, false
}

// tryLine drives a line low, closes it, and looks what has become of it.
func (h *host) tryLine(chip, name string) error {
	if err := h.closeDriven(chip, name); err != nil {
		return fmt.Errorf("try whether the kernel lets go of lines: %w", err)
	}
	d, offset, err := h.find(chip, name)
	if err != nil {
		return err
	}
	output, err := d.isOutput(offset)
	if err != nil {
		return fmt.Errorf("look whether the kernel has let go of a line: %w", requestError(chip, name, err))
	}
	if !output {
		return nil
	}
	err = fmt.Errorf("GPIO chip %s: %w (line %s stayed driven)", chip, gpio.ErrKeepsOutputs, name)
	return errors.Join(err, h.letGo(chip, name))
}

func (h *host) closeDriven(chip, name string) error {
	p, err := h.openPin(chip, name)
	if err != nil {
		return err
	}
	return errors.Join(p.Low(), p.Close())
}

// letGo leaves a line as an input, which even such a kernel keeps.
func (h *host) letGo(chip, name string) error {
	p, err := h.openPin(chip, name)
	if err != nil {
		return err
	}
	return p.Close()
}
