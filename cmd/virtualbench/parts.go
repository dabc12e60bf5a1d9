package main

import (
	"context"
	"encoding/json"
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

// benchParts makes a station's parts of a bench. child is the command that
// starts a gesture.
func benchParts(cfg daemon.Config, bench remote.API, child []string, log *slog.Logger) (daemon.Parts, error) {
	runner := cfg.RunnerConfig()
	runner.Command, runner.Open, runner.Log = child, pins(bench), log
	gestures, err := gpio.NewRunner(runner)
	if err != nil {
		return daemon.Parts{}, err
	}
	clock, err := gpio.SystemClock()
	if err != nil {
		return daemon.Parts{}, err
	}
	return daemon.Parts{
		Bus:      bus{bench},
		Gestures: gestures,
		Button:   &button{bench: bench},
		Clock:    job.Clock{Boot: clock.Boot},
		Log:      log,
		Version:  version,
		Journal:  func(j station.Journal) station.Journal { return noted{j, bench} },
	}, nil
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

// pins opens the pins of a bench as a driver would.
func pins(bench remote.API) gpio.OpenPin {
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

// noted tells the bench of each commit, so that its one order of events shows
// what was stored before the board was written.
type noted struct {
	station.Journal
	bench remote.API
}

// commitNote is what the bench is told of a commit.
type commitNote struct {
	Bay     string `json:"commit_bay"`
	Job     string `json:"job"`
	Records int    `json:"records"` // key records of the board as it came
}

// Commit commits, and then notes it.
func (n noted) Commit(e *job.Entry) error {
	if err := n.Journal.Commit(e); err != nil {
		return err
	}
	text, err := json.Marshal(commitNote{Bay: e.Job.Bay, Job: e.Job.ID, Records: len(e.Records)})
	if err != nil {
		return err
	}
	return n.bench.Note(string(text))
}
