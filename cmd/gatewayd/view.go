package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"duogateway/job"
	"duogateway/station"
)

// isTerminal tells whether progress can be drawn on a file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// clearLine goes back to the start of the line and wipes it.
const clearLine = "\r\x1b[K"

// jobView shows how a job gets on: on a terminal the running step moves, in a
// pipe each finished step is a plain line, and with JSON there is nothing.
type jobView struct {
	env   environment
	quiet bool
	shown int // steps that were printed
}

func newJobView(env environment, quiet bool) *jobView { return &jobView{env: env, quiet: quiet} }

func (v *jobView) admitted(j job.Job) {
	if !v.quiet {
		fmt.Fprintf(v.env.stdout, "job %s: %s on bay %s\n", j.ID, j.Kind, j.Bay)
	}
}

func (v *jobView) update(u station.Update) {
	switch {
	case v.quiet:
	case u.Job != nil:
		v.steps(*u.Job)
	case v.env.terminal:
		fmt.Fprint(v.env.stdout, clearLine+progressLine(*u.Progress))
	}
}

func (v *jobView) steps(j job.Job) {
	if v.env.terminal {
		fmt.Fprint(v.env.stdout, clearLine)
	}
	for ; v.shown < len(j.Steps); v.shown++ {
		fmt.Fprintln(v.env.stdout, stepLine(j.Steps[v.shown]))
	}
}

func progressLine(p station.Progress) string {
	line := fmt.Sprintf("  ... %-12s %s", p.Step, p.Text)
	if p.Total > 0 {
		line += fmt.Sprintf(" %d of %d", p.Done, p.Total)
	}
	return line
}

func stepLine(s job.StepOutcome) string {
	mark := "ok"
	if s.Failed {
		mark = "FAILED"
	}
	return fmt.Sprintf("  %-6s %-12s %6s  %s", mark, s.Name, seconds(s.Ended.At.Sub(s.Started.At)), s.Detail)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// writeJob prints how a job stands.
func writeJob(w io.Writer, j job.Job) error {
	text := fmt.Sprintf("%s: %s", j.ID, j.State)
	if j.Verdict != "" {
		text = fmt.Sprintf("%s: verdict %s", j.ID, j.Verdict)
	}
	if j.Proof != "" {
		text += ", proof " + string(j.Proof)
	}
	if j.Ended != nil && j.Started != nil {
		text += ", after " + seconds(j.Ended.At.Sub(j.Started.At))
	}
	if j.Proof == job.NotConfigured {
		text += "\n  No cloud is configured: the board runs; whether the cloud takes its key was not asked."
	}
	if f := j.Fault; f != nil {
		text += fmt.Sprintf("\n  %s: %s\n  %s", f.Code, f.Message, f.Hint)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
