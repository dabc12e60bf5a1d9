package station

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"duogateway/job"
)

// walk is one job on its way through its plan.
type walk struct {
	*Station
	bay   *bay
	job   job.Job
	plan  *job.Plan
	limit time.Time // the first write has begun by then
}

// walk carries a job out. It returns an error only when the journal failed:
// then nothing more was done.
func (s *Station) walk(ctx context.Context, b *bay, id string) (err error) {
	j, memory, ok, err := s.Journal.Job(id)
	if err != nil || !ok {
		return fmt.Errorf("reading job %s: %w", id, err)
	}
	if j.State.Final() { // its cancellation was stored, though it seemed to fail
		return nil
	}
	w := &walk{Station: s, bay: b, job: j, limit: time.Now().Add(s.JobLimit)}
	if w.plan, err = s.plan(j); err != nil {
		return w.endUnplanned(err)
	}
	defer func() { w.close(ctx, err) }()
	if j.State == job.Queued {
		return w.begin(ctx)
	}
	return w.resume(ctx, memory)
}

// endUnplanned ends a job before a step was taken. What an earlier run found
// stays in its result.
func (w *walk) endUnplanned(err error) error {
	w.plan = &job.Plan{}
	return w.end(job.Ending{Fault: report(err)})
}

// close lets the plan clean up. What it does to the board, it does also when
// the station is about to stop. A job whose journal failed is not over.
func (w *walk) close(ctx context.Context, journal error) {
	if w.plan.Close == nil {
		return
	}
	state := w.job.State
	if journal != nil {
		state = job.Running
	}
	w.plan.Close(context.WithoutCancel(ctx), state)
}

func (w *walk) begin(ctx context.Context) error {
	_ = w.look(ctx) // for the presence as it is now; an error is for the first step to tell
	now := w.Clock.Now()
	w.job.Presence = w.bay.claim()
	w.job.State, w.job.Started = job.Running, &now
	err := w.intend(w.plan.Steps[0], job.Outcome{}, job.Event{At: now, What: job.JobStarted})
	if err != nil || w.job.State.Final() {
		return err
	}
	return w.steps(ctx, 0)
}

// resume takes a job up where its journal stops.
func (w *walk) resume(ctx context.Context, memory json.RawMessage) error {
	if err := w.remember(memory); err != nil {
		return w.endUnplanned(fmt.Errorf("reading what the job remembers: %w", err))
	}
	i := index(w.plan, w.job.Step)
	if i < 0 {
		return w.end(job.Ending{Fault: report(fmt.Errorf("the journal stops at step %q, which there is not", w.job.Step))})
	}
	w.job.Resumes++
	w.job.Version++
	if w.job.Resumes > mostResumes {
		return w.end(job.Ending{Fault: report(job.Failf(job.Interrupted, "the job was interrupted %d times", w.job.Resumes))})
	}
	if err := w.record(job.Outcome{}, job.Event{At: w.Clock.Now(), What: job.JobResumed, Step: w.job.Step}); err != nil {
		return err
	}
	for _, name := range w.plan.Steps[i].Again {
		if _, err := w.do(ctx, w.plan.Steps[index(w.plan, name)]); err != nil {
			return w.fail(ctx, name, w.Clock.Now(), err)
		}
	}
	return w.steps(ctx, i)
}

// steps carries out the steps from i on, until the job is over, the station
// stops or the journal fails.
func (w *walk) steps(ctx context.Context, i int) error {
	for {
		step := w.plan.Steps[i]
		started := w.Clock.Now()
		out, err := w.do(ctx, step)
		if err != nil {
			return w.fail(ctx, step.Name, started, err)
		}
		w.note(step.Name, started, out.Detail, false)
		if out.DeviceID != "" {
			w.identify(out.DeviceID)
		}
		if out.End != nil {
			return w.endWith(out, step.Name)
		}
		if i = w.after(i, out.Next); i < 0 {
			out.End = &job.Ending{Fault: report(fmt.Errorf("step %s asks for step %q, which there is not", step.Name, out.Next))}
			return w.endWith(out, step.Name)
		}
		err = w.intend(w.plan.Steps[i], out, w.stepEvent(job.StepDone, step.Name, out.Detail))
		if err != nil || w.job.State.Final() {
			return err
		}
	}
}

// intend commits what was done and which step is next, or ends the job when it
// must not write any more.
func (w *walk) intend(next job.Step, out job.Outcome, did job.Event) error {
	if next.Writes && !w.bay.settle() {
		return w.stopped(job.Canceled, errCanceled, out, did)
	}
	if next.Writes && !w.job.Wrote && !time.Now().Before(w.limit) {
		return w.stopped(job.TimedOut, errTimedOut, out, did)
	}
	w.learn()
	w.job.Step = next.Name
	w.job.Wrote = w.job.Wrote || next.Writes
	w.job.Version++
	return w.record(out, did)
}

func (w *walk) after(i int, next string) int {
	if next != "" {
		return index(w.plan, next)
	}
	if i+1 == len(w.plan.Steps) {
		return -1
	}
	return i + 1
}

// learn takes over the id that the job's board has told on the bus: a resumed
// job knows another board by it. // P1
func (w *walk) learn() {
	w.bay.mu.Lock()
	defer w.bay.mu.Unlock()
	if p := w.bay.presence; w.job.DeviceID == "" && p.number == w.job.Presence {
		w.job.DeviceID = p.id
	}
}

// identify ties the board's id to the presence.
func (w *walk) identify(id string) {
	w.job.DeviceID = id
	w.bay.mu.Lock()
	defer w.bay.mu.Unlock()
	w.bay.presence.identify(id)
}

// do carries out one step. It begins none once the job is canceled or out of
// time, or the station is to stop; but a write that has begun is ended by
// nothing of that.
func (w *walk) do(ctx context.Context, step job.Step) (job.Outcome, error) {
	w.Log.Info("step", "job", w.job.ID, "bay", w.bay.Name, "step", step.Name)
	ctx, cancel := w.bay.beginStep(ctx)
	defer cancel(nil)
	if !w.job.Wrote {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadlineCause(ctx, w.limit, errTimedOut)
		defer stop()
	}
	if ctx.Err() != nil {
		return job.Outcome{}, context.Cause(ctx)
	}
	if step.Writes {
		ctx = context.WithoutCancel(ctx)
	}
	if err := w.sameBoard(ctx); err != nil {
		return job.Outcome{}, errors.Join(context.Cause(ctx), err)
	}
	say := func(text string, done, total int) {
		w.watchers.tell(Update{Progress: &Progress{Job: w.job.ID, Step: step.Name, Text: text, Done: done, Total: total}})
	}
	say("", 0, 0)
	out, err := step.Do(ctx, say)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return out, err
}

// sameBoard looks at the bus anew. It refuses a port with two devices, and any
// other presence than the one the job began with. // P1
func (w *walk) sameBoard(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	w.bay.mu.Lock()
	defer w.bay.mu.Unlock()
	p := &w.bay.presence
	if p.ambiguous {
		return job.Failf(job.PortAmbiguous, "bay %s: port %s names more than one device", w.bay.Name, w.bay.Port)
	}
	if p.number != w.job.Presence {
		return job.Failf(job.BoardChanged, "bay %s: the job began with the board of presence %d, presence %d is there now", w.bay.Name, w.job.Presence, p.number)
	}
	return nil
}

// fail ends the job after a step that failed, or leaves it to the next run
// when it failed because the station stops.
func (w *walk) fail(ctx context.Context, step string, started job.Stamp, err error) error {
	switch {
	case !w.bay.settle():
		return w.stopped(job.Canceled, errCanceled, job.Outcome{})
	case errors.Is(err, errTimedOut):
		return w.stopped(job.TimedOut, errTimedOut, job.Outcome{})
	case ctx.Err() != nil:
		w.Log.Info("the job is left for the next start", "job", w.job.ID, "bay", w.bay.Name, "step", step)
		return nil
	}
	w.note(step, started, err.Error(), true)
	return w.end(job.Ending{Fault: report(err)})
}

// stopped ends the job without a verdict, in one transaction with what its
// last step left behind.
func (w *walk) stopped(state job.State, why error, out job.Outcome, events ...job.Event) error {
	now := w.Clock.Now()
	w.job.Stop(state, now)
	w.Log.Info("job stopped", "job", w.job.ID, "bay", w.bay.Name, "state", state)
	return w.record(out, append(events, w.ended(&w.job, now, why.Error()))...)
}

func (w *walk) note(step string, started job.Stamp, detail string, failed bool) {
	w.job.Steps = append(w.job.Steps, job.StepOutcome{Name: step, Started: started, Ended: w.Clock.Now(), Detail: detail, Failed: failed})
}

func (w *walk) stepEvent(what job.EventKind, step, detail string) job.Event {
	return job.Event{At: w.Clock.Now(), What: what, Step: step, Detail: detail}
}

// end finishes a job that no step has ended.
func (w *walk) end(e job.Ending) error {
	return w.endWith(job.Outcome{End: &e}, "")
}

// endWith finishes a job, in one transaction with the outcome of its last step.
// A job that was canceled before is canceled, whatever the step says.
func (w *walk) endWith(out job.Outcome, step string) error {
	now := w.Clock.Now()
	e := out.End
	var events []job.Event
	if step != "" {
		events = append(events, w.stepEvent(job.StepDone, step, out.Detail))
	} else if n := len(w.job.Steps); n > 0 && w.job.Steps[n-1].Failed {
		events = append(events, w.stepEvent(job.StepFailed, w.job.Steps[n-1].Name, w.job.Steps[n-1].Detail))
	}
	if !w.bay.settle() {
		return w.stopped(job.Canceled, errCanceled, out, events...)
	}
	w.job.End(e.Verdict(), e.Proof, e.Fault, now)
	detail := string(w.job.Proof)
	if e.Fault != nil {
		detail = string(e.Fault.Code)
	}
	w.Log.Info("job ended", "job", w.job.ID, "bay", w.bay.Name, "verdict", w.job.Verdict, "detail", detail)
	return w.record(out, append(events, w.ended(&w.job, now, detail))...)
}

// record commits where the job stands.
func (w *walk) record(out job.Outcome, events ...job.Event) error {
	if w.plan.Result != nil {
		w.job.Result = w.plan.Result()
	}
	for i := range events {
		events[i].Job, events[i].Bay = w.job.ID, w.bay.Name
	}
	return w.commit(&job.Entry{Job: w.job, Memory: w.memory(), Records: out.Records, Events: events, Audit: out.Audit})
}

func (w *walk) remember(memory json.RawMessage) error {
	if w.plan.Memory == nil {
		return nil
	}
	return json.Unmarshal(memory, w.plan.Memory)
}

func (w *walk) memory() json.RawMessage {
	if w.plan.Memory == nil {
		return nil
	}
	text, err := json.Marshal(w.plan.Memory)
	if err != nil {
		panic(fmt.Sprintf("station: the memory of a %s job has no JSON form: %v", w.job.Kind, err))
	}
	return text
}

func report(err error) *job.Report {
	r := job.ReportOf(err)
	return &r
}
