package chip

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"duogateway/gpio"
)

// find returns the chip with that label and the offset of its line of that
// name.
func (h *host) find(label, name string) (device, int, error) {
	d, err := h.findChip(label)
	if err != nil {
		return nil, 0, err
	}
	names := d.lineNames()
	offset := slices.Index(names, name)
	switch {
	case offset < 0 || name == "":
		return nil, 0, fmt.Errorf("GPIO chip %s has no line called %q, but %s", label, name, list(names))
	case slices.Contains(names[offset+1:], name):
		return nil, 0, fmt.Errorf("GPIO chip %s has more than one line called %q", label, name)
	}
	return d, offset, nil
}

func (h *host) findChip(label string) (device, error) {
	all, problem := h.discover()
	var found []device
	var labels []string
	for _, d := range all {
		labels = append(labels, d.Label())
		if d.Label() == label {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		err := fmt.Errorf("there is no GPIO chip labelled %q, but %s (gpiodetect shows them; the label is in brackets)", label, list(labels))
		return nil, errors.Join(err, problem)
	}
	return nil, fmt.Errorf("more than one GPIO chip is labelled %q", label)
}

// list lists names for a person.
func list(names []string) string {
	var shown []string
	for _, name := range names {
		if name != "" {
			shown = append(shown, fmt.Sprintf("%q", name))
		}
	}
	if len(shown) == 0 {
		return "none at all"
	}
	return strings.Join(shown, ", ")
}

// requestError says why a line could not be had. The driver keeps only the
// text of the kernel's error number (host/v3@v3.8.5 gpioioctl/ioctl.go:
// errors.New(ep.Error())), but all of it, and Go has the same in all languages.
func requestError(chip, name string, err error) error {
	if errors.Is(err, syscall.EBUSY) || strings.HasSuffix(err.Error(), syscall.EBUSY.Error()) {
		return fmt.Errorf("line %s of GPIO chip %s: %w: by another program (gpioinfo names it)", name, chip, gpio.ErrLinesBusy)
	}
	return fmt.Errorf("claim line %s of GPIO chip %s: %w", name, chip, err)
}
