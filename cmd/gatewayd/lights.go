package main

import (
	"context"
	"log/slog"
	"sync"

	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/gpio/chip"
)

// lights are the lights of a station, by the bay that they belong to; those of
// the station itself have no name.
type lights struct {
	by      map[string]*gpio.Lights
	stop    context.CancelFunc
	running *sync.WaitGroup
}

// openLights makes the lights of the configuration, dark.
func openLights(cfg daemon.Config, log *slog.Logger) lights {
	ctx, stop := context.WithCancel(context.Background())
	l := lights{by: map[string]*gpio.Lights{}, stop: stop, running: &sync.WaitGroup{}}
	for bay, configured := range allLights(cfg) {
		pins := map[gpio.Colour]gpio.Pin{}
		for colour, line := range configured.Lines() {
			pin, err := chip.OpenPin(configured.Chip, line)
			if err != nil {
				log.Error("a light stays dark", "bay", bay, "colour", colour, "line", line, "error", err)
				continue
			}
			pins[colour] = pin
		}
		shown := gpio.NewLights(log, pins)
		l.by[bay] = shown
		l.running.Go(func() { shown.Run(ctx) })
	}
	return l
}

// allLights are the lights of the station, without a name, and of its bays.
func allLights(cfg daemon.Config) map[string]daemon.LightsConfig {
	all := map[string]daemon.LightsConfig{"": cfg.Lights}
	for _, b := range cfg.Bays {
		all[b.Name] = b.Lights
	}
	return all
}

// Show shows a pattern on the lights of a bay, or of the station.
func (l lights) Show(bay string, p gpio.Pattern) {
	if shown := l.by[bay]; shown != nil {
		shown.Show(p)
	}
}

func (l lights) close() {
	l.stop()
	l.running.Wait()
}
