package main

import (
	"errors"
	"log/slog"

	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/gpio/chip"
)

// buttons are the buttons of a station and of its bays, as one.
type buttons struct {
	*gpio.Buttons
	inputs []*chip.Input
}

// openButtons claims the lines of the buttons. One whose line cannot be had is
// logged, and missed.
func openButtons(cfg daemon.Config, log *slog.Logger) *buttons {
	b := &buttons{}
	var all []*gpio.Button
	open := func(bay, label, line string) {
		if line == "" {
			return
		}
		input, err := chip.OpenInput(label, line)
		if err != nil {
			log.Error("a button cannot be watched", "bay", bay, "line", line, "error", err)
			return
		}
		b.inputs = append(b.inputs, input)
		all = append(all, gpio.NewButton(gpio.ButtonConfig{Bay: bay, Contact: input, Log: log}))
	}
	open("", cfg.Button.Chip, cfg.Button.Line)
	for _, bay := range cfg.Bays {
		open(bay.Name, bay.Chip, bay.Button)
	}
	b.Buttons = gpio.NewButtons(log, all...)
	return b
}

// orNone is what the daemon is told to watch.
func (b *buttons) orNone() daemon.Button {
	if len(b.inputs) == 0 {
		return nil
	}
	return b
}

// close gives the lines back. Nobody may wait for a press any more.
func (b *buttons) close() error {
	var failed []error
	for _, input := range b.inputs {
		failed = append(failed, input.Close())
	}
	return errors.Join(failed...)
}
