package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/gpio/chip"
)

// configFlag names the configuration.
type configFlag struct {
	Config string `default:"/etc/gatewayd/gatewayd.toml" env:"GATEWAYD_CONFIG" placeholder:"FILE" help:"The configuration file."`
}

// runCmd is `gatewayd run`.
type runCmd struct{ configFlag }

// Run runs the station until it is told to stop.
func (c runCmd) Run(ctx context.Context, env environment) error {
	cfg, err := daemon.LoadConfig(c.Config)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(env.stderr, nil))
	return runHardware(ctx, cfg, log)
}

// checkConfigCmd is `gatewayd check-config`.
type checkConfigCmd struct {
	JSON bool   `name:"json" help:"Print JSON."`
	File string `arg:"" optional:"" default:"/etc/gatewayd/gatewayd.toml" help:"The configuration file."`
}

// Run checks a configuration file.
func (c checkConfigCmd) Run(env environment) error {
	cfg, err := daemon.LoadConfig(c.File)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, map[string]any{"file": c.File, "station": cfg.Station, "bays": len(cfg.Bays)})
	}
	_, err = fmt.Fprintf(env.stdout, "%s is right: station %s, %d bays\n", c.File, cfg.Station, len(cfg.Bays))
	return err
}

// gestureChildCmd is the process that makes one gesture.
type gestureChildCmd struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

// Run makes the gesture. Only the daemon starts it.
func (c gestureChildCmd) Run(env environment) error {
	if code := gpio.RunChild(c.Args, chip.OpenPin, env.stdout, env.stderr); code != 0 {
		os.Exit(code)
	}
	return nil
}

// versionCmd is `gatewayd version`.
type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints the version.
func (c versionCmd) Run(env environment) error {
	if c.JSON {
		return printJSON(env, map[string]string{"version": version})
	}
	_, err := fmt.Fprintln(env.stdout, "gatewayd", version)
	return err
}
