package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"duogateway/job"
	"duogateway/station"
)

// Steps times the steps of jobs, as they are committed.
type Steps struct{ took *prometheus.HistogramVec }

// buckets are in seconds: a step reads some bytes, or makes a gesture, or rests
// for a minute before one, or writes a whole firmware.
var buckets = []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320}

// NewSteps makes a timer that has seen nothing.
func NewSteps() *Steps {
	return &Steps{prometheus.NewHistogramVec(
		prometheus.HistogramOpts{Name: steps.name, Help: steps.help, Buckets: buckets}, steps.labels)}
}

// Watch is a journal whose commits are watched.
func (s *Steps) Watch(j station.Journal) station.Journal { return watched{j, s} }

type watched struct {
	station.Journal
	steps *Steps
}

// Commit stores an entry, and then notes the steps that it ended.
func (w watched) Commit(e *job.Entry) error {
	err := w.Journal.Commit(e)
	if err == nil {
		w.steps.note(e)
	}
	return err
}

// note times the steps that an entry ends. A job carries the steps of all its
// entries; those of this one are the last, and each has an event.
func (s *Steps) note(e *job.Entry) {
	ended := 0
	for _, event := range e.Events {
		if event.What == job.StepDone || event.What == job.StepFailed {
			ended++
		}
	}
	for _, step := range e.Job.Steps[max(0, len(e.Job.Steps)-ended):] {
		if d, ok := length(step); ok {
			s.took.WithLabelValues(string(e.Job.Kind), step.Name).Observe(d.Seconds())
		}
	}
}

// length is how long a step took. It is not known when the clock was set in
// between.
func length(step job.StepOutcome) (time.Duration, bool) {
	d := step.Ended.At.Sub(step.Started.At)
	return d, d >= 0 && step.Started.Trusted == step.Ended.Trusted && step.Started.Boot == step.Ended.Boot
}
