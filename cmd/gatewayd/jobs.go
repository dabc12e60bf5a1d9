package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"duogateway/daemon/client"
	"duogateway/job"
)

// jobsCmd is `gatewayd jobs`: the jobs of the station, and requests for jobs that
// are sent over MQTT.
type jobsCmd struct {
	List   jobsListCmd   `cmd:"" default:"withargs" help:"List the jobs, show one, or cancel one (this is also meant without a word)."`
	Sign   jobsSignCmd   `cmd:"" help:"Print a signed request for a job, to be published at the broker. No station is asked."`
	Keygen jobsKeygenCmd `cmd:"" help:"Make a key that signs requests."`
}

// jobsListCmd is `gatewayd jobs list`.
type jobsListCmd struct {
	ID     string `arg:"" optional:"" help:"Show this job."`
	Cancel string `placeholder:"ID" help:"Cancel this job, if it has not begun to write."`
	Limit  int    `default:"20" help:"How many jobs to list, newest first."`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Run lists, shows or cancels.
func (c jobsListCmd) Run(ctx context.Context, env environment, all *cli) error {
	daemon := client.New(all.Socket)
	defer daemon.Close()
	if c.Cancel != "" {
		j, err := cancel(ctx, daemon, c.Cancel)
		return c.one(env, j, err)
	}
	if c.ID != "" {
		j, err := daemon.Job(ctx, c.ID)
		return c.one(env, j, err)
	}
	jobs, err := daemon.Jobs(ctx, c.Limit)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(env, jobs)
	case len(jobs) == 0:
		_, err = fmt.Fprintln(env.stdout, "No jobs yet. Ask for one with: gatewayd diagnose BAY")
		return err
	}
	return writeJobs(env.stdout, jobs)
}

// cancel cancels a job and waits for its end: a step that cannot be broken off,
// such as a gesture, is carried out first.
func cancel(ctx context.Context, daemon *client.Client, id string) (job.Job, error) {
	j, err := daemon.Cancel(ctx, id)
	if err != nil || j.State.Final() {
		return j, err
	}
	return daemon.Watch(ctx, id, nil)
}

func (c jobsListCmd) one(env environment, j job.Job, err error) error {
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(env, j)
	}
	for _, step := range j.Steps {
		fmt.Fprintln(env.stdout, stepLine(step))
	}
	return writeJob(env.stdout, j)
}

func writeJobs(w io.Writer, jobs []job.Job) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ADMITTED\tJOB\tKIND\tBAY\tSTATE\tVERDICT\tFAULT")
	for _, j := range jobs {
		fault := ""
		if j.Fault != nil {
			fault = string(j.Fault.Code)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", j.Admitted.At.Format(time.DateTime), j.ID, j.Kind, j.Bay, j.State, j.Verdict, fault)
	}
	return table.Flush()
}
