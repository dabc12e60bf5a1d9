// Package parts gives a daemon the parts of a virtual bench in place of real
// ones: a USB bus, serial ports, GPIO pins, a button, and a journal that tells
// the bench of each commit. It only translates; it decides nothing about boards
// or jobs.
package parts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"duogateway/daemon"
	"duogateway/dfu"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/station"
	"duogateway/virtual/remote"
)

// Bench is the parts of a bench that do not depend on how gestures are made. It
// takes the machine that it runs on to know the time.
func Bench(bench remote.API, boot string, log *slog.Logger) daemon.Parts {
	return daemon.Parts{
		Bus:     bus{bench},
		Button:  &button{bench: bench},
		Console: console{bench},
		Clock:   job.Clock{Boot: boot, Synchronised: func() bool { return true }},
		Log:     log,
		Journal: func(j station.Journal) station.Journal { return noted{j, bench} },
	}
}

// bus is the bench as a USB bus.
type bus struct{ bench remote.API }

func (b bus) Attachments(ctx context.Context) ([]dfu.Attachment, error) {
	devices, err := b.bench.Devices(ctx)
	var attached []dfu.Attachment
	for _, d := range devices {
		attached = append(attached, dfu.Attachment{Port: d.Port, Number: d.Number, Vendor: d.Vendor, Product: d.Product, Serial: d.Serial})
	}
	return attached, err
}

func (b bus) Open(ctx context.Context, a dfu.Attachment) (dfu.Transport, error) {
	return b.bench.OpenUSB(ctx, remote.Device{Port: a.Port, Number: a.Number, Vendor: a.Vendor, Product: a.Product, Serial: a.Serial})
}

// Pins opens the pins of a bench as a driver would.
func Pins(bench remote.API) gpio.OpenPin {
	return func(chip, name string) (gpio.Pin, error) {
		if chip != remote.ChipLabel {
			return nil, fmt.Errorf("there is no chip %q on a bench, only %q", chip, remote.ChipLabel)
		}
		pin, err := bench.OpenPin(name)
		var busy interface{ Busy() bool }
		if errors.As(err, &busy) && busy.Busy() {
			return nil, fmt.Errorf("%w: %w", gpio.ErrLinesBusy, err)
		}
		return pin, err
	}
}

// button is the button of the bench.
type button struct {
	bench   remote.API
	presses <-chan remote.Press
}

var errBenchGone = errors.New("the bench is gone")

// Press waits for the next press.
func (b *button) Press(ctx context.Context) (string, time.Duration, error) {
	if b.presses == nil {
		presses, err := b.bench.Presses(ctx)
		if err != nil {
			return "", 0, err
		}
		b.presses = presses
	}
	press, ok := <-b.presses
	if !ok {
		return "", 0, errBenchGone
	}
	return press.Bay, press.Held, nil
}
