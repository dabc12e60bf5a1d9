package main

import (
	"log/slog"

	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/job"
)

// hardware builds the real parts. This release has no driver for USB and GPIO:
// the station runs on the virtual bench only.
func hardware(daemon.Config, *slog.Logger) (daemon.Parts, error) {
	return daemon.Parts{}, job.Failf(job.NoDriver, "starting the station: this release cannot drive real USB and GPIO yet")
}

// openPin claims a GPIO line.
func openPin(_, name string) (gpio.Pin, error) {
	return nil, job.Failf(job.NoDriver, "line %s: this release cannot drive real GPIO yet", name)
}
