package station

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"duogateway/job"
)

var (
	errDisk = errors.New("the disk is full")

	// errUnsure fails a commit that is stored all the same.
	errUnsure = errors.New("the disk has not answered")
)

// memoryJournal is a Journal in memory. Like a real one it keeps jobs as text.
// It objects to a job whose story is not told right.
type memoryJournal struct {
	mu         sync.Mutex
	onCommit   func(number int, e *job.Entry) error
	onJob      func(number int) error
	commits    int
	reads      int
	rows       map[string]row
	order      []string // ids in the order of admission
	bays       map[string]bayRow
	entries    []job.Entry
	objections []string
}

// beforeCommits sets what is called before each commit, with its number since
// then, 1 for the first. An error makes the commit fail; errUnsure stores it
// all the same. nil takes the call away.
func (m *memoryJournal) beforeCommits(call func(number int, e *job.Entry) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onCommit, m.commits = call, 0
}

// beforeReads does the same for reads of jobs.
func (m *memoryJournal) beforeReads(call func(number int) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.onJob, m.reads = call, 0
}

type row struct{ Job, Memory json.RawMessage }

type bayRow struct {
	presence uint64
	last     string
}

func newMemoryJournal() *memoryJournal {
	return &memoryJournal{rows: map[string]row{}, bays: map[string]bayRow{}}
}

func (m *memoryJournal) Commit(e *job.Entry) error {
	m.mu.Lock()
	m.commits++
	number, call := m.commits, m.onCommit
	m.mu.Unlock()
	var err error
	if call != nil {
		err = call(number, e)
	}
	if err == nil || errors.Is(err, errUnsure) {
		err = errors.Join(err, m.store(e))
	}
	if err != nil {
		return job.Failf(job.StoreFailed, "writing the journal of job %s: %w", e.Job.ID, err)
	}
	return nil
}

func (m *memoryJournal) store(e *job.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, known := m.read(e.Job.ID)
	if known && was.State.Final() {
		m.object("P3: job %s is %s, and was to become %s", was.ID, was.State, e.Job.State)
		return fmt.Errorf("job %s is %s already", was.ID, was.State)
	}
	if known {
		m.checkStep(was, e.Job)
	} else {
		m.order = append(m.order, e.Job.ID)
		m.checkFirst(e.Job)
	}
	if e.Job.State.Final() {
		m.checkFinal(e.Job)
	}
	m.rows[e.Job.ID] = row{Job: text(e.Job), Memory: slices.Clone(e.Memory)}
	if known || e.Job.State != job.Rejected { // which never came to a bay
		m.bays[e.Job.Bay] = bayRow{presence: max(m.bays[e.Job.Bay].presence, e.Job.Presence), last: e.Job.ID}
	}
	m.entries = append(m.entries, *e)
	return nil
}

// checkFirst looks at the entry that admits a job.
func (m *memoryJournal) checkFirst(j job.Job) {
	if j.State != job.Queued && j.State != job.Rejected || j.Version != 1 || j.Admitted.At.IsZero() || j.Steps == nil {
		m.object("P5: job %s begins as %+v", j.ID, j)
	}
}

// checkStep looks at the way from one entry of a job to the next. // P3
func (m *memoryJournal) checkStep(was, is job.Job) {
	if is.Version <= was.Version {
		m.object("P3: job %s goes from version %d to %d", is.ID, was.Version, is.Version)
	}
	if was.State == job.Running && is.State == job.Queued {
		m.object("P3: job %s goes back into the queue", is.ID)
	}
	if was.Wrote && !is.Wrote {
		m.object("P3: job %s forgets that it wrote", is.ID)
	}
	if !reflect.DeepEqual(was.Request, is.Request) || was.Admitted != is.Admitted {
		m.object("P3: job %s becomes another request", is.ID)
	}
	if len(is.Steps) < len(was.Steps) || !reflect.DeepEqual(was.Steps, is.Steps[:len(was.Steps)]) {
		m.object("P3: job %s forgets steps", is.ID)
	}
}

var statesOfVerdicts = map[job.Verdict][]job.State{
	job.Pass:   {job.Succeeded},
	job.Fail:   {job.Failed},
	job.Error:  {job.Failed},
	job.Denied: {job.Rejected},
	"":         {job.Canceled, job.TimedOut},
}

// checkFinal looks whether a final state agrees with itself. // P3
func (m *memoryJournal) checkFinal(j job.Job) {
	if !slices.Contains(statesOfVerdicts[j.Verdict], j.State) || j.Ended == nil || j.Step != "" {
		m.object("P3: job %s ends as %s with verdict %q, step %q, ended %v", j.ID, j.State, j.Verdict, j.Step, j.Ended)
	}
	if (j.Fault != nil) != (j.Verdict != job.Pass && j.Verdict != "") {
		m.object("P3: job %s ends as %s with fault %+v", j.ID, j.State, j.Fault)
	}
	if j.Verdict == "" && j.Wrote {
		m.object("P3: job %s is %s, but it wrote", j.ID, j.State)
	}
}

func (m *memoryJournal) object(format string, args ...any) {
	m.objections = append(m.objections, fmt.Sprintf(format, args...))
}

func (m *memoryJournal) read(id string) (j job.Job, ok bool) {
	r, ok := m.rows[id]
	if ok {
		if err := json.Unmarshal(r.Job, &j); err != nil {
			panic(err)
		}
	}
	return j, ok
}

func (m *memoryJournal) Job(id string) (job.Job, json.RawMessage, bool, error) {
	m.mu.Lock()
	m.reads++
	number, call := m.reads, m.onJob
	m.mu.Unlock()
	if call != nil {
		if err := call(number); err != nil {
			return job.Job{}, nil, false, job.Failf(job.StoreFailed, "reading job %s: %w", id, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	j, ok := m.read(id)
	return j, slices.Clone(m.rows[id].Memory), ok, nil
}

func (m *memoryJournal) Unfinished() ([]job.Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []job.Job
	for _, id := range m.order {
		if j, _ := m.read(id); !j.State.Final() {
			list = append(list, j)
		}
	}
	return list, nil
}

func (m *memoryJournal) Bay(name string) (presence uint64, lastJob string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bays[name].presence, m.bays[name].last, nil
}

// entriesOf lists what was stored about a job, in order.
func (m *memoryJournal) entriesOf(id string) []job.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.entries), func(e job.Entry) bool { return e.Job.ID != id })
}

// events lists what was told about a job, each as kind and step.
func (m *memoryJournal) events(id string) []string {
	var list []string
	for _, e := range m.entriesOf(id) {
		for _, event := range e.Events {
			told := string(event.What)
			if event.Step != "" {
				told += " " + event.Step
			}
			list = append(list, told)
		}
	}
	return list
}

// committed counts the commits.
// ids lists the jobs in the order of admission.
func (m *memoryJournal) ids() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.order)
}

func (m *memoryJournal) committed() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commits
}

// complaints returns the objections since it was last called.
func (m *memoryJournal) complaints() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.objections
	m.objections = nil
	return all
}

func text(value any) json.RawMessage {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}
