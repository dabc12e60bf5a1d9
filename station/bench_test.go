package station

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

const (
	bay1  = "bay-1"
	bay2  = "bay-2"
	port1 = "1-1.1"
	port2 = "1-1.2"
)

var (
	boardA = Device{Port: port1, ID: "board-a", Name: "Duo", Board: true}
	boardB = Device{Port: port1, ID: "board-b", Name: "Duo", Board: true}
	boardC = Device{Port: port2, ID: "board-c", Name: "Duo", Board: true}
)

// fakeFinder shows what a test puts on the bus.
type fakeFinder struct {
	mu      sync.Mutex
	devices []Device
	onLook  func() error
}

// atLooks sets what is called in each look, between seeing and telling. An
// error makes the look fail. nil takes the call away.
func (f *fakeFinder) atLooks(call func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onLook = call
}

func (f *fakeFinder) put(devices ...Device) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.devices = devices
}

func (f *fakeFinder) Devices(context.Context) ([]Device, error) {
	f.mu.Lock()
	seen, call := slices.Clone(f.devices), f.onLook
	f.mu.Unlock()
	if call != nil {
		if err := call(); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// bench is a station with two bays whose plans a test writes. A board is on
// port 1, and another on port 2.
type bench struct {
	t       *testing.T
	journal *memoryJournal
	finder  *fakeFinder
	config  Config
	station *Station
	plans   map[string]func(*memo) (*job.Plan, error) // of jobs, by id
	log     logBook

	stop context.CancelFunc
	over chan struct{}

	mu    sync.Mutex
	diary []string // every step that began, every plan that was closed
}

// logBook keeps the log.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// memo is what the steps of a script remember: the names of those done.
type memo struct {
	Done []string `json:"done"`
}

// onBench runs a test in a bubble of its own, with a station that is not
// started yet.
func onBench(t *testing.T, test func(*bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newBench(t)) })
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, journal: newMemoryJournal(), finder: &fakeFinder{}, plans: map[string]func(*memo) (*job.Plan, error){}}
	b.finder.put(boardA, boardC)
	b.config = Config{
		Bays:    []Bay{{Name: bay1, Port: port1}, {Name: bay2, Port: port2}},
		Finder:  b.finder,
		Journal: b.journal,
		Recipes: b.recipes,
		Clock:   job.Clock{Boot: "bench"},
		Log:     slog.New(slog.NewTextHandler(&b.log, nil)),
	}
	t.Cleanup(func() {
		b.end()
		for _, objection := range b.journal.complaints() {
			t.Error(objection)
		}
		if t.Failed() {
			t.Logf("diary: %q\n%s", b.written(), b.log.String())
		}
	})
	return b
}

// start starts a station on the journal, as after a boot.
func (b *bench) start() {
	b.t.Helper()
	var err error
	b.station, err = New(b.config)
	b.must(err)
	var ctx context.Context
	ctx, b.stop = context.WithCancel(context.Background())
	b.over = make(chan struct{})
	go func() {
		defer close(b.over)
		b.station.Run(ctx)
	}()
	synctest.Wait()
}

// end stops the station and waits for it.
func (b *bench) end() {
	if b.stop != nil {
		b.stop()
		<-b.over
		b.stop = nil
	}
}

func (b *bench) restart() {
	b.t.Helper()
	b.end()
	b.start()
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// script writes the plan of a job.
func (b *bench) script(id string, steps ...job.Step) {
	b.plans[id] = func(*memo) (*job.Plan, error) { return &job.Plan{Steps: slices.Clone(steps)}, nil }
}

// recipes makes the plan of a script, and passes jobs that have none. Steps
// are noted in the diary when they begin, and remembered when they are done.
func (b *bench) recipes(j job.Job) (*job.Plan, error) {
	write := b.plans[j.ID]
	if write == nil {
		return b.bind(j, &memo{}, &job.Plan{Steps: []job.Step{passes("work")}}), nil
	}
	m := &memo{}
	plan, err := write(m)
	if err != nil {
		return nil, err
	}
	return b.bind(j, m, plan), nil
}

func (b *bench) bind(j job.Job, m *memo, plan *job.Plan) *job.Plan {
	for i, step := range plan.Steps {
		plan.Steps[i].Do = func(ctx context.Context, say job.Say) (job.Outcome, error) {
			b.note(j.ID + " " + step.Name)
			out, err := step.Do(ctx, say)
			if err == nil {
				m.Done = append(m.Done, step.Name)
			}
			return out, err
		}
	}
	if plan.Memory == nil {
		plan.Memory = m
	}
	if plan.Close == nil {
		plan.Close = func(ctx context.Context, state job.State) {
			if ctx.Err() != nil {
				b.t.Errorf("job %s is closed in a context that has ended", j.ID)
			}
			b.note(j.ID + " closed " + string(state))
		}
	}
	return plan
}

func (b *bench) note(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.diary = append(b.diary, line)
}

func (b *bench) written() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.diary)
}

// wantDiary compares the diary, and begins a new one.
func (b *bench) wantDiary(want ...string) {
	b.t.Helper()
	if got := b.written(); !slices.Equal(got, want) {
		b.t.Errorf("diary:\n got %q\nwant %q", got, want)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.diary = nil
}

func request(id, bay string) job.Request {
	return job.Request{ID: id, Kind: job.Diagnose, Bay: bay, Source: job.FromCommand}
}

func (b *bench) admit(id, bay string) job.Job {
	b.t.Helper()
	j, err := b.station.Admit(request(id, bay))
	b.must(err)
	return j
}

func (b *bench) job(id string) job.Job {
	b.t.Helper()
	j, err := b.station.Job(id)
	b.must(err)
	return j
}

// await waits until a job is over and its bay rests.
func (b *bench) await(id string) job.Job {
	b.t.Helper()
	for range 3600 {
		synctest.Wait()
		if j := b.job(id); j.State.Final() {
			return j
		}
		time.Sleep(time.Second)
	}
	b.t.Fatalf("job %s is not over", id)
	return job.Job{}
}

// do admits a job to bay 1 and waits for its end.
func (b *bench) do(id string) job.Job {
	b.t.Helper()
	b.admit(id, bay1)
	return b.await(id)
}

func (b *bench) wantState(id string, want job.State) job.Job {
	b.t.Helper()
	j := b.job(id)
	if j.State != want {
		b.t.Errorf("job %s is %s with fault %+v, want %s", id, j.State, j.Fault, want)
	}
	return j
}

func (b *bench) wantFault(j job.Job, want job.Code) {
	b.t.Helper()
	if j.Fault == nil || j.Fault.Code != want {
		b.t.Errorf("job %s is %s with fault %+v, want %s", j.ID, j.State, j.Fault, want)
	}
}

func (b *bench) wantCode(err error, want job.Code) {
	b.t.Helper()
	if !job.HasCode(err, want) {
		b.t.Errorf("the error is %v, want one with code %s", err, want)
	}
}

// The acts of steps.

type act = func(context.Context, job.Say) (job.Outcome, error)

func step(name string, do act) job.Step { return job.Step{Name: name, Do: do} }

func done(name string) job.Step { return gives(name, job.Outcome{Detail: name + " done"}) }

func passes(name string) job.Step {
	return gives(name, job.Outcome{End: &job.Ending{Proof: job.NotConfigured}})
}

func gives(name string, out job.Outcome) job.Step {
	return step(name, func(context.Context, job.Say) (job.Outcome, error) { return out, nil })
}

func fails(name string, err error) job.Step {
	return step(name, func(context.Context, job.Say) (job.Outcome, error) { return job.Outcome{}, err })
}

// takes is a step that lasts, and gives up when it is told to.
func takes(name string, d time.Duration) job.Step {
	return step(name, func(ctx context.Context, _ job.Say) (job.Outcome, error) {
		select {
		case <-time.After(d):
			return job.Outcome{}, nil
		case <-ctx.Done():
			return job.Outcome{}, job.Failf(job.BoardLeft, "given up: %w", ctx.Err())
		}
	})
}

// insists is a step that lasts a minute, and does not listen.
func insists(name string) job.Step { return slowly(done(name)) }

// slowly makes a step last a minute, and not listen.
func slowly(s job.Step) job.Step {
	do := s.Do
	s.Do = func(ctx context.Context, say job.Say) (job.Outcome, error) {
		time.Sleep(time.Minute)
		return do(ctx, say)
	}
	return s
}

func writing(s job.Step) job.Step {
	s.Writes = true
	return s
}

func again(s job.Step, names ...string) job.Step {
	s.Again = names
	return s
}

// goesOn makes a step jump.
func goesOn(s job.Step, next string) job.Step {
	do := s.Do
	s.Do = func(ctx context.Context, say job.Say) (job.Outcome, error) {
		out, err := do(ctx, say)
		out.Next = next
		return out, err
	}
	return s
}

var errPlain = errors.New("something broke")
