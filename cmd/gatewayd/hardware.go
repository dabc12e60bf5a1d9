package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"duogateway/daemon"
	"duogateway/dfu/usb"
	"duogateway/gpio"
	"duogateway/gpio/chip"
	"duogateway/job"
	"duogateway/serial"
)

// hardware is the real parts of a station. It is closed when the daemon has
// stopped: the lights are dark only then.
type hardware struct {
	daemon.Parts
	buttons *buttons
	lights  lights
}

// openHardware builds the parts that the configuration names. What a repair
// needs must be there; a button or a light that is not is logged, and missed.
func openHardware(cfg daemon.Config, log *slog.Logger) (*hardware, error) {
	if err := checkLines(cfg); err != nil {
		return nil, err
	}
	gestures, err := newGestures(cfg, log)
	if err != nil {
		return nil, err
	}
	clock, err := gpio.SystemClock()
	if err != nil {
		return nil, err
	}
	h := &hardware{buttons: openButtons(cfg, log), lights: openLights(cfg, log)}
	h.Parts = daemon.Parts{
		Bus:      usb.New(log),
		Gestures: gestures,
		Button:   h.buttons.orNone(),
		Lights:   h.lights,
		Console:  serial.New(serial.Config{Log: log}),
		Clock:    job.Clock{Boot: clock.Boot, Synchronised: clockSynchronised},
		Log:      log,
		Version:  version,
	}
	return h, nil
}

// close lets the buttons and the lights go.
func (h *hardware) close() error {
	h.lights.close()
	return h.buttons.close()
}

// checkLines makes sure that the lines of all bays are there, before a board
// comes that needs them. It claims none.
func checkLines(cfg daemon.Config) error {
	for _, b := range cfg.Bays {
		for _, name := range []string{b.Reset, b.Setup} {
			if err := chip.Find(b.Chip, name); err != nil {
				return job.Failf(job.NoGPIO, "bay %s: %w", b.Name, err)
			}
		}
	}
	return nil
}

// newGestures makes what drives the lines: this program once more, for each
// gesture.
func newGestures(cfg daemon.Config, log *slog.Logger) (*guard, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	config := cfg.RunnerConfig()
	config.Command, config.Open, config.Log = []string{program, "gesture-child", "--"}, chip.OpenPin, log
	runner, err := gpio.NewRunner(config)
	if err != nil {
		return nil, err
	}
	return newGuard(runner, cfg, chip.SelfTest, log), nil
}

// runHardware runs a station on the real parts until ctx ends.
func runHardware(ctx context.Context, cfg daemon.Config, log *slog.Logger) error {
	h, err := openHardware(cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(daemon.Run(ctx, cfg, h.Parts), h.close())
}
