package metrics_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"duogateway/daemon/metrics"
	"duogateway/job"
	"duogateway/station"
)

// memory is a journal that keeps nothing.
type memory struct{ fail error }

func (m memory) Commit(*job.Entry) error { return m.fail }

func (memory) Job(string) (job.Job, json.RawMessage, bool, error) {
	return job.Job{}, nil, false, nil
}
func (memory) Unfinished() ([]job.Job, error)     { return nil, nil }
func (memory) Bay(string) (uint64, string, error) { return 0, "", nil }

// step is a step that has taken some time.
func step(name string, took time.Duration) job.StepOutcome {
	start := job.Stamp{At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Boot: "boot"}
	end := start
	end.At = start.At.Add(took)
	return job.StepOutcome{Name: name, Started: start, Ended: end}
}

// entry is a commit of a job that ends the last of its steps.
func entry(kind job.Kind, ended int, all ...job.StepOutcome) *job.Entry {
	e := &job.Entry{Job: job.Job{Request: job.Request{ID: "a", Kind: kind}, State: job.Running, Steps: all}}
	for _, s := range all[len(all)-ended:] {
		what := job.StepDone
		if s.Failed {
			what = job.StepFailed
		}
		e.Events = append(e.Events, job.Event{What: what, Step: s.Name})
	}
	return e
}

func commit(t *testing.T, j station.Journal, e *job.Entry) {
	t.Helper()
	if err := j.Commit(e); err != nil {
		t.Fatal(err)
	}
}

// Each step is timed once: with the commit that ends it, and not with later
// ones, which carry it too; also where a later daemon takes the job up.
func TestStepsAreTimedOnce(t *testing.T) {
	enter, identify, write := step("enter-dfu", 3500*time.Millisecond), step("identify", 20*time.Millisecond), step("write", time.Minute)
	write.Failed = true
	from := busy()
	journal := from.Steps.Watch(memory{})
	commit(t, journal, entry(job.Repair, 0))
	commit(t, journal, entry(job.Repair, 1, enter))
	commit(t, journal, entry(job.Repair, 1, enter, identify))
	resumed := entry(job.Repair, 0, enter, identify)
	resumed.Events = []job.Event{{What: job.JobResumed, Step: "write"}}
	commit(t, journal, resumed)
	commit(t, journal, entry(job.Repair, 1, enter, identify, write))
	ended := entry(job.Repair, 0, enter, identify, write)
	ended.Events = []job.Event{{What: job.JobEnded}}
	commit(t, journal, ended)

	lines, _ := scrape(t, from)
	for _, want := range []string{
		`gatewayd_step_seconds_count{kind="repair",step="enter-dfu"} 1`,
		`gatewayd_step_seconds_sum{kind="repair",step="enter-dfu"} 3.5`,
		`gatewayd_step_seconds_bucket{kind="repair",step="enter-dfu",le="2.5"} 0`,
		`gatewayd_step_seconds_bucket{kind="repair",step="enter-dfu",le="5"} 1`,
		`gatewayd_step_seconds_count{kind="repair",step="identify"} 1`,
		`gatewayd_step_seconds_count{kind="repair",step="write"} 1`,
		`gatewayd_step_seconds_sum{kind="repair",step="write"} 60`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("nobody tells %s in %v", want, lines)
		}
	}
	later := busy()
	commit(t, later.Steps.Watch(memory{}), ended)
	if lines, _ := scrape(t, later); slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "gatewayd_step_") }) {
		t.Errorf("a later daemon times steps of an earlier one: %v", lines)
	}
}

// What was not stored did not happen, and a time across which the clock was set
// says nothing.
func TestStepsThatAreNotTimed(t *testing.T) {
	for name, spoil := range map[string]func(*job.StepOutcome){
		"clock set":      func(s *job.StepOutcome) { s.Ended.Trusted = true },
		"another boot":   func(s *job.StepOutcome) { s.Ended.Boot = "later" },
		"clock set back": func(s *job.StepOutcome) { s.Ended.At = s.Started.At.Add(-time.Second) },
	} {
		from, s := busy(), step("identify", time.Second)
		spoil(&s)
		commit(t, from.Steps.Watch(memory{}), entry(job.Backup, 1, s))
		if lines, _ := scrape(t, from); slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "gatewayd_step_") }) {
			t.Errorf("%s: it is timed: %v", name, lines)
		}
	}
	from := busy()
	if err := from.Steps.Watch(memory{errBroken}).Commit(entry(job.Backup, 1, step("identify", time.Second))); err == nil {
		t.Error("the error is lost")
	}
	if lines, _ := scrape(t, from); slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "gatewayd_step_") }) {
		t.Errorf("a step is timed that was not stored: %v", lines)
	}
}

var _ station.Journal = metrics.NewSteps().Watch(memory{})
