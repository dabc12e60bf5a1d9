package station

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"duogateway/job"
)

// pollTime is how often the ports are looked at.
const pollTime = 250 * time.Millisecond

// Station is a running station. Its methods may be called by several
// goroutines once Run has been called.
type Station struct {
	Config
	bays     []*bay
	watchers watchers
	changes  bells
	bus      busState
	looks    atomic.Uint64 // how many were begun

	admission sync.Mutex // one admission at a time: a job id is admitted at most once
}

// New makes a station, with the unfinished jobs of its journal queued.
func New(cfg Config) (*Station, error) {
	if cfg.JobLimit == 0 {
		cfg.JobLimit = DefaultJobLimit
	}
	s := &Station{Config: cfg}
	for _, b := range cfg.Bays {
		presence, last, err := s.lastJob(b.Name)
		if err != nil {
			return nil, fmt.Errorf("taking up bay %s: %w", b.Name, err)
		}
		s.bays = append(s.bays, newBay(b, presence, last))
	}
	return s, s.takeUp()
}

// lastJob tells the last presence that a job saw in a bay, and its last job;
// both are zero when there was none.
func (s *Station) lastJob(bay string) (presence uint64, last job.Job, err error) {
	presence, id, err := s.Journal.Bay(bay)
	if err != nil || id == "" {
		return presence, job.Job{}, err
	}
	last, err = s.Job(id)
	return presence, last, err
}

// takeUp queues the jobs that an earlier run left unfinished.
func (s *Station) takeUp() error {
	unfinished, err := s.Journal.Unfinished()
	if err != nil {
		return fmt.Errorf("taking up the unfinished jobs: %w", err)
	}
	for _, j := range unfinished {
		b := s.bay(j.Bay)
		if b == nil {
			s.Log.Error("a job is unfinished on a bay that is not configured any more", "job", j.ID, "bay", j.Bay)
			continue
		}
		// A job that saw a later attachment says that this one is over.
		if j.State == job.Running && j.Presence >= b.presence.number {
			b.presence.resume(j.Presence, j.DeviceID)
		}
		b.enqueue(j.ID)
	}
	return nil
}

// Run works until ctx ends. Steps that write are carried to their end; others
// are broken off, and taken up by the next run.
func (s *Station) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	workers.Go(func() { s.follow(ctx) })
	for _, b := range s.bays {
		workers.Go(func() { s.work(ctx, b) })
	}
}

func (s *Station) work(ctx context.Context, b *bay) {
	for {
		id, ok := b.next(ctx)
		if !ok {
			return
		}
		if err := s.walk(ctx, b, id); err != nil {
			s.Log.Error("the bay is out of service until the gateway is restarted", "bay", b.Name, "job", id, "error", err)
			b.breakDown(err)
		}
		b.rest()
		s.changes.ring()
	}
}

// follow looks at the ports until ctx ends.
func (s *Station) follow(ctx context.Context) {
	tick := time.NewTicker(pollTime)
	defer tick.Stop()
	for {
		err := s.look(ctx)
		if ctx.Err() != nil {
			return
		}
		s.hear(err)
		if err == nil {
			s.answerPlugs()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// hear takes note of how a look went.
func (s *Station) hear(err error) {
	first, news := s.bus.note(err, time.Now())
	if first {
		s.Log.Warn("the USB bus cannot be looked at", "error", err)
	}
	if news {
		s.changes.ring()
	}
}

// look takes note of what is on each bay's port now. Of looks that overlap, the
// one that was begun last counts.
func (s *Station) look(ctx context.Context) error {
	number := s.looks.Add(1)
	devices, err := s.Finder.Devices(ctx)
	if err != nil {
		return job.Failf(job.USBFailed, "looking for boards: %w", err)
	}
	for _, b := range s.bays {
		here := slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return d.Port != b.Port })
		if b.see(number, here) {
			s.changes.ring()
		}
	}
	return nil
}

func (s *Station) bay(name string) *bay {
	i := slices.IndexFunc(s.bays, func(b *bay) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return s.bays[i]
}

// Admit takes a job in, and returns once it is journalled. A known id with the
// same request gives the known job and starts nothing. Errors carry a fault
// code; nothing was admitted then.
func (s *Station) Admit(r job.Request) (job.Job, error) {
	if r.ID == "" {
		r.ID = job.NewID()
	}
	if err := r.Check(); err != nil {
		return job.Job{}, err
	}
	s.admission.Lock()
	defer s.admission.Unlock()
	known, ok, err := s.recall(r)
	if err != nil || ok {
		return known, err
	}
	if err := s.objection(r); err != nil {
		return job.Job{}, err
	}
	return s.admit(s.bay(r.Bay), r)
}

func (s *Station) admit(b *bay, r job.Request, audit ...job.AuditNote) (job.Job, error) {
	now := s.Clock.Now()
	j := job.Job{Request: r, State: job.Queued, Version: 1, Presence: b.status().Presence, Steps: []job.StepOutcome{}, Admitted: now}
	b.serve(j.Presence)
	event := job.Event{At: now, What: job.JobAdmitted, Job: j.ID, Bay: b.Name, Detail: string(j.Kind)}
	entry := &job.Entry{Job: j, Events: []job.Event{event}, Audit: audit}
	if err := s.Journal.Commit(entry); err != nil {
		return job.Job{}, err
	}
	s.Log.Info("job admitted", "job", j.ID, "bay", b.Name, "kind", j.Kind, "source", j.Source)
	s.watchers.tell(Update{Job: &j})
	b.enqueue(j.ID)
	s.changes.ring()
	return j, nil
}

// Cancel ends a job that waits, or that runs and has not begun to write. It
// returns once the end is journalled; the present step has to give up first.
// With an error the job goes on.
func (s *Station) Cancel(id string) error {
	over, err := s.cancel(id)
	if err != nil || over == nil {
		return err
	}
	<-over
	j, err := s.Job(id)
	if err == nil && j.State != job.Canceled {
		err = job.Failf(job.StoreFailed, "canceling job %s: its end could not be stored", id)
	}
	return err
}

// cancel ends a job that waits, or tells one that runs to end; then over is
// closed when it has.
func (s *Station) cancel(id string) (over <-chan struct{}, err error) {
	s.admission.Lock()
	defer s.admission.Unlock()
	j, memory, ok, err := s.Journal.Job(id)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, job.Failf(job.UnknownJob, "job %q: there is none", id)
	case j.State.Final():
		return nil, job.Failf(job.TooLate, "canceling job %s: it is %s already", id, j.State)
	case j.Wrote:
		return nil, job.Failf(job.TooLate, "canceling job %s: it has begun to write", id)
	}
	b := s.bay(j.Bay)
	if b == nil {
		return nil, s.stop(&j, memory)
	}
	if over, ok := b.cancelRunning(id); ok {
		return over, nil
	}
	place, ok := b.unqueue(id)
	if !ok {
		return nil, job.Failf(job.TooLate, "canceling job %s: it is about to write or to end, or is left for the next start", id)
	}
	if err := s.stop(&j, memory); err != nil {
		b.requeue(id, place)
		return nil, err
	}
	return nil, nil
}

// Job finds a job.
func (s *Station) Job(id string) (job.Job, error) {
	j, _, ok, err := s.Journal.Job(id)
	if err == nil && !ok {
		err = job.Failf(job.UnknownJob, "job %q: there is none", id)
	}
	return j, err
}

// Bays tells the state of each bay, in the order of the configuration.
func (s *Station) Bays() ([]Status, error) {
	var list []Status
	for _, b := range s.bays {
		_, last, err := s.lastJob(b.Name)
		if err != nil {
			return nil, err
		}
		status := b.status()
		if last.ID != "" {
			status.Last = &last
		}
		if err := s.bus.trouble(); err != nil && status.Trouble == "" {
			status.Trouble = err.Error()
		}
		list = append(list, status)
	}
	return list, nil
}

// Changes gives a token when something that Bays tells may have changed since
// the last one. stop must be called.
func (s *Station) Changes() (changed <-chan struct{}, stop func()) { return s.changes.add() }

// Watch follows one job from now on. Every update that matters arrives, the
// final one included; progress may be passed over when the reader is slow.
// stop must be called.
func (s *Station) Watch(id string) (updates <-chan Update, stop func()) {
	return s.watchers.add(id)
}

// stop cancels a job that waits.
func (s *Station) stop(j *job.Job, memory json.RawMessage) error {
	now := s.Clock.Now()
	j.Stop(job.Canceled, now)
	return s.commit(&job.Entry{Job: *j, Memory: memory, Events: []job.Event{s.ended(j, now, errCanceled.Error())}})
}

func (s *Station) ended(j *job.Job, at job.Stamp, detail string) job.Event {
	return job.Event{At: at, What: job.JobEnded, Job: j.ID, Bay: j.Bay, Detail: fmt.Sprintf("%s: %s", j.State, detail)}
}

// commit stores an entry and then tells the watchers.
func (s *Station) commit(e *job.Entry) error {
	if err := s.Journal.Commit(e); err != nil {
		return err
	}
	j := e.Job
	if b := s.bay(j.Bay); b != nil {
		b.judge(j)
	}
	s.watchers.tell(Update{Job: &j})
	s.changes.ring()
	return nil
}
