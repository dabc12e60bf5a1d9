package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"duogateway/cmd/virtualbench/parts"
	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/virtual/remote"
)

// daemonCmd is `virtualbench daemon`: the real daemon, on virtual hardware.
type daemonCmd struct {
	Config string `required:"" placeholder:"FILE" help:"Configuration of the station."`
	Bench  string `required:"" placeholder:"PATH" help:"Socket of the bench."`
}

// Run runs the station until ctx ends.
func (c daemonCmd) Run(ctx context.Context) error {
	cfg, err := daemon.LoadConfig(c.Config)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Runtime, 0o750); err != nil {
		return fmt.Errorf("making the runtime folder: %w", err)
	}
	bench, err := remote.Dial(c.Bench)
	if err != nil {
		return err
	}
	program, err := self()
	if err != nil {
		return err
	}
	child := []string{program, "gesture-child", "--bench", c.Bench, "--"}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	runner := cfg.RunnerConfig()
	runner.Command, runner.Open, runner.Log = child, parts.Pins(bench), log
	gestures, err := gpio.NewRunner(runner)
	if err != nil {
		return err
	}
	clock, err := gpio.SystemClock()
	if err != nil {
		return err
	}
	hardware := parts.Bench(bench, clock.Boot, log)
	hardware.Gestures, hardware.Version = gestures, version
	return daemon.Run(ctx, cfg, hardware)
}

// gestureChildCmd is the process that makes one gesture on a bench.
type gestureChildCmd struct {
	Bench string   `required:"" help:"Socket of the bench."`
	Args  []string `arg:"" optional:"" help:"What the daemon asks for."`
}

// Run makes the gesture.
func (c gestureChildCmd) Run() error {
	bench, err := remote.Dial(c.Bench)
	if err != nil {
		return err
	}
	if code := gpio.RunChild(c.Args, parts.Pins(bench), os.Stdout, os.Stderr); code != 0 {
		os.Exit(code)
	}
	return nil
}
