package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"duogateway/job"
	"duogateway/station"
)

// usualColumns is the width of a terminal that does not tell its own.
const usualColumns = 80

// terminal returns how to ask for the width of the terminal on a file, nil
// when it is no terminal.
func terminal(f *os.File) func() int {
	size := func() (*unix.Winsize, error) { return unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ) }
	if _, err := size(); err != nil {
		return nil
	}
	return func() int {
		if now, err := size(); err == nil && now.Col > 0 {
			return int(now.Col)
		}
		return usualColumns
	}
}

// clearLine goes back to the start of the line and wipes it.
const clearLine = "\r\x1b[K"

// jobView shows how a job gets on: on a terminal the running step moves, in a
// pipe each finished step is a plain line, as is a long wait, and with JSON there
// is nothing.
type jobView struct {
	env   environment
	quiet bool
	shown int  // steps that were printed
	drawn bool // a line of progress stands on the terminal

	said time.Time // when a line was printed last
}

// patience is how long a pipe may see nothing while a step says what it waits
// for.
const patience = 10 * time.Second

func newJobView(env environment, quiet bool) *jobView {
	return &jobView{env: env, quiet: quiet, said: time.Now()}
}

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
	case v.env.columns != nil:
		v.draw(progressLine(*u.Progress))
	case u.Progress.Text != "" && time.Since(v.said) >= patience:
		v.said = time.Now()
		fmt.Fprintln(v.env.stdout, progressLine(*u.Progress))
	}
}

// draw puts a line of progress in the place of the last one. A line that the
// terminal would break could not be wiped again, so it is cut.
func (v *jobView) draw(line string) {
	v.wipe()
	if letters := []rune(line); len(letters) >= v.env.columns() {
		line = string(letters[:max(0, v.env.columns()-1)])
	}
	fmt.Fprint(v.env.stdout, line)
	v.drawn = true
}

// wipe takes the line of progress away.
func (v *jobView) wipe() {
	if v.drawn {
		fmt.Fprint(v.env.stdout, clearLine)
	}
	v.drawn = false
}

func (v *jobView) steps(j job.Job) {
	v.wipe()
	for ; v.shown < len(j.Steps); v.shown++ {
		fmt.Fprintln(v.env.stdout, stepLine(j.Steps[v.shown]))
		v.said = time.Now()
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
