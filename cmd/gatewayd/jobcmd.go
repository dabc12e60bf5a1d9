package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"duogateway/daemon/client"
	"duogateway/duo"
	"duogateway/job"
)

// jobFlags are common to the commands that ask for a job.
type jobFlags struct {
	Bay      string `arg:"" help:"The bay."`
	ID       string `name:"id" placeholder:"ID" help:"Id of the job. The same id again gives the same job, and starts nothing."`
	DeviceID string `name:"device-id" placeholder:"HEX" help:"The board's id, 24 hex digits, for a board that cannot tell its own; for others the job is refused when it is not theirs. Audited."`
	JSON     bool   `name:"json" help:"Print the finished job as JSON, and nothing else, on stdout."`
	Detach   bool   `help:"Do not wait for the end of the job."`
}

// rawFlag is common to the commands that write keys.
type rawFlag struct {
	Raw bool `help:"Write the DCT sectors themselves where the bootloader cannot, because its system firmware is missing or damaged."`
}

type (
	repairCmd struct {
		jobFlags
		rawFlag
	}
	diagnoseCmd struct{ jobFlags }
	backupCmd   struct{ jobFlags }
	restoreCmd  struct {
		jobFlags
		rawFlag
		Record string `placeholder:"ID" help:"The key record to write (default: the best one of the board)."`
	}
)

// Run asks for a repair.
func (c repairCmd) Run(ctx context.Context, env environment, all *cli) error {
	return c.do(ctx, env, all, job.Request{Kind: job.Repair, Options: job.Options{Raw: c.Raw}})
}

// Run asks for a diagnosis.
func (c diagnoseCmd) Run(ctx context.Context, env environment, all *cli) error {
	return c.do(ctx, env, all, job.Request{Kind: job.Diagnose})
}

// Run asks for a backup.
func (c backupCmd) Run(ctx context.Context, env environment, all *cli) error {
	return c.do(ctx, env, all, job.Request{Kind: job.Backup})
}

// Run asks for a restore.
func (c restoreCmd) Run(ctx context.Context, env environment, all *cli) error {
	return c.do(ctx, env, all, job.Request{Kind: job.Restore, Options: job.Options{Record: c.Record, Raw: c.Raw}})
}

// do asks for a job, shows its progress and returns how it ended.
func (c jobFlags) do(ctx context.Context, env environment, all *cli, r job.Request) error {
	r.ID, r.Bay = c.ID, c.Bay
	if c.DeviceID != "" {
		id, err := duo.ParseDeviceID(c.DeviceID)
		if err != nil {
			return job.Failf(job.BadRequest, "--device-id: %w", err)
		}
		r.Options.DeviceID = string(id)
	}
	daemon := client.New(all.Socket)
	defer daemon.Close()
	j, err := daemon.Submit(ctx, r)
	if err != nil {
		return err
	}
	if c.Detach {
		return c.show(env, j)
	}
	view := newJobView(env, c.JSON)
	view.admitted(j)
	id := j.ID
	j, err = daemon.Watch(ctx, id, view.update)
	view.wipe()
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("not watching any more; the job goes on. To stop it: gatewayd jobs --cancel %s", id)
	case err != nil:
		return err
	}
	if err := c.show(env, j); err != nil {
		return err
	}
	if j.Verdict != job.Pass {
		return jobEnded{j}
	}
	return nil
}

func (c jobFlags) show(env environment, j job.Job) error {
	if c.JSON {
		return printJSON(env, j)
	}
	return writeJob(env.stdout, j)
}

// printJSON prints a value alone on stdout.
func printJSON(env environment, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("printing JSON: %w", err)
	}
	_, err = fmt.Fprintln(env.stdout, string(text))
	return err
}
