package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"duogateway/cloudsync"
	"duogateway/daemon"
	"duogateway/daemon/client"
)

// mqttCmd is `gatewayd mqtt`.
type mqttCmd struct {
	Check  mqttCheckCmd  `cmd:"" help:"Connect to the broker as the station would, and try each permission that it needs."`
	Status mqttStatusCmd `cmd:"" help:"Show how the link to the broker is, and what waits to be told."`
}

// mqttCheckCmd is `gatewayd mqtt check`.
type mqttCheckCmd struct {
	configFlag
	JSON bool `name:"json" help:"Print JSON."`
}

// linkBad is the error of a command that has said itself what is wrong with the
// link.
type linkBad struct{ text string }

func (e linkBad) Error() string { return e.text }

var errNoBroker = errors.New("the configuration names no broker: set mqtt.broker")

// Run tries everything. It fails when a permission is missing.
func (c mqttCheckCmd) Run(ctx context.Context, env environment) error {
	cfg, err := daemon.LoadConfig(c.Config)
	if err != nil {
		return err
	}
	if !cfg.MQTT.On() {
		return errNoBroker
	}
	policy, err := cfg.Policy()
	if err != nil {
		return err
	}
	findings, err := cloudsync.Check(ctx, cfg.Link())
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(env, findings)
	} else {
		err = writeFindings(env.stdout, findings)
		if len(policy.Keys) == 0 && err == nil {
			_, err = fmt.Fprintf(env.stdout, "No key signs requests here: from afar only these are taken: %v\n", policy.Unsigned)
		}
	}
	if err != nil {
		return err
	}
	return missing(findings)
}

func writeFindings(w io.Writer, findings []cloudsync.Finding) error {
	hints := map[string]bool{}
	for _, f := range findings {
		if f.OK {
			fmt.Fprintln(w, "ok       "+f.What)
			continue
		}
		fmt.Fprintf(w, "MISSING  %s: %s\n", f.What, f.Problem)
		if !hints[f.Hint] {
			fmt.Fprintln(w, "         "+f.Hint)
			hints[f.Hint] = true
		}
	}
	return nil
}

// missing is the error over findings that are not all good.
func missing(findings []cloudsync.Finding) error {
	bad := 0
	for _, f := range findings {
		if !f.OK {
			bad++
		}
	}
	if bad == 0 {
		return nil
	}
	return linkBad{fmt.Sprintf("%d of %d checks failed", bad, len(findings))}
}

// mqttStatusCmd is `gatewayd mqtt status`.
type mqttStatusCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run asks the daemon. It fails when the link is down.
func (c mqttStatusCmd) Run(ctx context.Context, env environment, all *cli) error {
	station := client.New(all.Socket)
	defer station.Close()
	health, err := station.Health(ctx)
	switch {
	case err != nil:
		return err
	case health.Link == nil:
		return errNoBroker
	case c.JSON:
		err = printJSON(env, health.Link)
	default:
		err = writeLink(env.stdout, health)
	}
	if err == nil && !health.Link.Connected {
		err = linkBad{"the link is down"}
	}
	return err
}

// writeLink shows a link.
func writeLink(w io.Writer, health daemon.Health) error {
	link := health.Link
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "broker\t%s\n", link.Broker)
	fmt.Fprintf(table, "link\t%s\n", linkState(link.Status))
	if link.LastError != "" {
		fmt.Fprintf(table, "went down last\t%s\n", link.LastError)
	}
	for _, filter := range link.Missing {
		fmt.Fprintf(table, "not allowed\tto hear %s; try: gatewayd mqtt check\n", filter)
	}
	if link.Twin != nil {
		fmt.Fprintf(table, "TWIN\t%s\n", link.Twin)
	}
	fmt.Fprintf(table, "this run\tsent %d, received %d, connected %d times\n", link.Sent, link.Received, link.Connects)
	fmt.Fprintf(table, "waiting\t%s\n", waiting(*link))
	fmt.Fprintf(table, "clock\t%s\n", clockState(health.ClockTrusted))
	return table.Flush()
}

func linkState(s cloudsync.Status) string {
	since := ""
	if !s.Since.IsZero() {
		since = " since " + s.Since.UTC().Format(time.RFC3339)
	}
	if s.Connected {
		return "up" + since
	}
	return "DOWN" + since
}

// waiting says what waits to be told.
func waiting(link daemon.LinkHealth) string {
	text := fmt.Sprintf("%d messages, %d bytes", link.Outbox.Letters, link.Outbox.Bytes)
	if oldest := link.Outbox.Oldest; oldest != nil {
		text += ", the oldest from " + oldest.At.Format(time.RFC3339)
	}
	if link.Outbox.Dropped > 0 {
		text += fmt.Sprintf("; %d events of progress were dropped for want of room", link.Outbox.Dropped)
	}
	if link.Outbox.Full {
		text += "; FULL: no request is taken in"
	}
	if link.Tries > 1 {
		text += fmt.Sprintf("; message %d has ended %d connections", link.Held, link.Tries)
	}
	return text
}

func clockState(trusted bool) string {
	if trusted {
		return "set"
	}
	return "NOT SET: requests from afar are refused until it is"
}
