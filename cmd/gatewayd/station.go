package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"duogateway/daemon/client"
	"duogateway/job"
)

// baysCmd is `gatewayd bays`.
type baysCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run shows the bays.
func (c baysCmd) Run(ctx context.Context, env environment, all *cli) error {
	daemon := client.New(all.Socket)
	defer daemon.Close()
	bays, err := daemon.Bays(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, bays)
	}
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BAY\tPORT\tBOARD\tDEVICE ID\tNOW\tLAST JOB")
	for _, b := range bays {
		now, last := "idle", ""
		if b.Running != "" {
			now = "job " + b.Running
		}
		if b.Trouble != "" {
			now = b.Trouble
		}
		if b.Last != nil {
			last = fmt.Sprintf("%s: %s %s", b.Last.Kind, b.Last.State, b.Last.Proof)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", b.Name, b.Port, or(b.Device, "empty"), or(b.DeviceID, "-"), now, last)
	}
	return table.Flush()
}

// keysCmd is `gatewayd keys`: the records of the station, and what can be done
// with a key file, offline.
type keysCmd struct {
	List    keysListCmd    `cmd:"" default:"withargs" help:"List the saved keys of the station (this is also meant without a word)."`
	Import  keysImportCmd  `cmd:"" help:"Give the station the key of a file, for a board that it may come to repair."`
	Check   keysCheckCmd   `cmd:"" help:"Say whether a file holds a sound key that a board reads."`
	Convert keysConvertCmd `cmd:"" help:"Write the key of a file in another form."`
	Salvage keysSalvageCmd `cmd:"" help:"Put a damaged key together again."`
}

// keysListCmd is `gatewayd keys list`.
type keysListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run lists the key records.
func (c keysListCmd) Run(ctx context.Context, env environment, all *cli) error {
	daemon := client.New(all.Socket)
	defer daemon.Close()
	records, err := daemon.Keys(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, records)
	}
	if len(records) == 0 {
		_, err := fmt.Fprintln(env.stdout, "No keys are saved yet. Save those of a board with: gatewayd backup BAY")
		return err
	}
	table := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STORED\tRECORD\tDEVICE ID\tKEY\tPROVEN\tFINGERPRINT")
	for _, r := range records {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Stored.At.Format(time.DateTime), r.ID, or(r.DeviceID, "unidentified"), r.KeyState, yesNo(r.ProvenAt != nil), or(r.Fingerprint, "-"))
	}
	return table.Flush()
}

// eventsCmd is `gatewayd events`.
type eventsCmd struct {
	After uint64 `default:"0" help:"The first events behind this number, instead of the newest."`
	Limit int    `default:"100" help:"How many events to list."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Run lists the events.
func (c eventsCmd) Run(ctx context.Context, env environment, all *cli) error {
	daemon := client.New(all.Socket)
	defer daemon.Close()
	events, err := c.list(ctx, daemon)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, events)
	}
	for _, e := range events {
		fmt.Fprintln(env.stdout, eventLine(e))
	}
	return nil
}

// list is the events behind a number, or the newest ones.
func (c eventsCmd) list(ctx context.Context, daemon *client.Client) ([]job.Event, error) {
	if c.After > 0 {
		return daemon.Events(ctx, c.After, c.Limit)
	}
	newest := []job.Event{}
	for after := uint64(0); ; {
		page, err := daemon.Events(ctx, after, eventsPage)
		if err != nil || len(page) == 0 {
			return newest, err
		}
		after = page[len(page)-1].Number
		newest = append(newest, page...)
		newest = newest[max(0, len(newest)-c.Limit):]
	}
}

// eventsPage is how many events are asked for at once.
const eventsPage = 1000

func eventLine(e job.Event) string {
	return fmt.Sprintf("%5d  %s  %-8s %-14s %-12s %s", e.Number, e.At.At.Format(time.TimeOnly), e.Bay, e.What, e.Step, e.Detail)
}

// healthCmd is `gatewayd health`.
type healthCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run asks the daemon.
func (c healthCmd) Run(ctx context.Context, env environment, all *cli) error {
	daemon := client.New(all.Socket)
	defer daemon.Close()
	health, err := daemon.Health(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, health)
	}
	if _, err := fmt.Fprintf(env.stdout, "station %s runs, version %s\n", health.Station, health.Version); err != nil || health.Link == nil {
		return err
	}
	return writeLink(env.stdout, health)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
