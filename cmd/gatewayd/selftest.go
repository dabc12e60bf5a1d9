package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"duogateway/daemon"
	"duogateway/dfu/usb"
	"duogateway/gpio/chip"
	"duogateway/job"
)

// selftestCmd is `gatewayd selftest`.
type selftestCmd struct {
	configFlag
	JSON bool `name:"json" help:"Print JSON."`
}

// finding is one thing that was looked at.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Say  string `json:"say"`
}

// Run looks at what a station needs of its machine. No board is touched.
func (c selftestCmd) Run(ctx context.Context, env environment) error {
	cfg, err := daemon.LoadConfig(c.Config)
	if err != nil {
		return err
	}
	found := lookAround(ctx, cfg)
	if c.JSON {
		err = printJSON(env, found)
	} else {
		err = printFindings(env, found)
	}
	if err != nil {
		return err
	}
	for _, f := range found {
		if !f.OK {
			return job.Failf(job.SelfTest, "this machine is not ready: %s", f.What)
		}
	}
	return nil
}

func printFindings(env environment, found []finding) error {
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	for _, f := range found {
		mark := "ok"
		if !f.OK {
			mark = "NOT OK"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", mark, f.What, f.Say)
	}
	return table.Flush()
}

func lookAround(ctx context.Context, cfg daemon.Config) []finding {
	found := []finding{
		folder("store", cfg.Store), folder("runtime folder", cfg.Runtime),
		clock(),
	}
	found = append(found, lines(cfg)...)
	found = append(found, kernels(cfg)...)
	return append(found, ports(ctx, cfg)...)
}

// judged makes a finding of an error, or of its absence.
func judged(what string, err error, say string) finding {
	if err != nil {
		return finding{what, false, err.Error()}
	}
	return finding{what, true, say}
}

// folder looks whether a folder can be written. One that there is not yet is
// made by the daemon.
func folder(what, path string) finding {
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return finding{what, true, path + " is made at the first start"}
	}
	if err == nil {
		err = unix.Access(path, unix.W_OK)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return judged(what, err, path)
}

// clock never fails a station: it says what the stamps of jobs will say.
func clock() finding {
	if clockSynchronised() {
		return finding{"clock", true, "synchronised"}
	}
	return finding{"clock", true, "not synchronised: reports will say that their times are not to be trusted"}
}

func lines(cfg daemon.Config) []finding {
	var found []finding
	for _, b := range cfg.Bays {
		err := chip.Find(b.Chip, b.Reset)
		if err == nil {
			err = chip.Find(b.Chip, b.Setup)
		}
		found = append(found, judged("lines of bay "+b.Name, err, fmt.Sprintf("RESET %s, SETUP %s, %s", b.Reset, b.Setup, b.Wiring)))
	}
	return found
}

// kernels tries each chip as the daemon would before its first gesture.
func kernels(cfg daemon.Config) []finding {
	g := newGuard(nil, cfg, chip.SelfTest, slog.New(slog.DiscardHandler))
	var found []finding
	seen := map[string]bool{}
	for _, b := range cfg.Bays {
		if !seen[b.Chip] {
			seen[b.Chip] = true
			found = append(found, judged("kernel and "+b.Chip, g.judge(b.Lines()), "lines of a program that has died are let go"))
		}
	}
	return found
}

// ports looks at the bus. An empty bay is no fault.
func ports(ctx context.Context, cfg daemon.Config) []finding {
	all, err := usb.New(nil).Attachments(ctx)
	if err != nil {
		return []finding{judged("USB", err, "")}
	}
	found := []finding{{"USB", true, fmt.Sprintf("%d devices", len(all))}}
	for _, b := range cfg.Bays {
		say := "empty"
		for _, a := range all {
			if daemon.OnPort(a, b.Port) {
				say = fmt.Sprintf("%04x:%04x", a.Vendor, a.Product)
			}
		}
		found = append(found, finding{"port of bay " + b.Name, true, b.Port + ": " + say})
	}
	return found
}
