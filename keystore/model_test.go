package keystore_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"duogateway/job"
	"duogateway/keystore"
	"duogateway/secret"
)

// model is what a store is to hold, kept in memory.
type model struct {
	folder  string
	post    bool
	store   *keystore.Store
	order   []string // of admission
	jobs    map[string]job.Entry
	bays    map[string]bayModel
	events  []job.Event
	letters []string // event NUMBER, job ID
	audit   []job.AuditNote
	records []job.KeyRecord
}

type bayModel struct {
	presence uint64
	last     string
}

// A store is at every moment what a simple model of it is, also when it is
// closed and opened again at any time. // P3, P5
func TestStoreIsLikeItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp("", "keystore")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(folder) }()
		m := &model{folder: folder, jobs: make(map[string]job.Entry), bays: make(map[string]bayModel)}
		m.open(t)
		defer func() { _ = m.store.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"commit":  m.commit,
			"import":  m.doImport,
			"deliver": m.deliver,
			"reopen": func(t *rapid.T) {
				if err := m.store.Close(); err != nil {
					t.Fatal(err)
				}
				m.post = rapid.Bool().Draw(t, "post")
				m.open(t)
				m.compare(t)
			},
			"compare": m.compare,
		})
		m.compare(t)
	})
}

func (m *model) open(t *rapid.T) {
	var err error
	if m.store, err = keystore.Open(m.folder, keystore.Options{Post: m.post}); err != nil {
		t.Fatal(err)
	}
}

var states = []job.State{job.Queued, job.Running, job.Running, job.Succeeded, job.Failed, job.Rejected, job.Canceled, job.TimedOut}

func (m *model) commit(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"}).Draw(t, "job")
	e := entry(id, rapid.SampledFrom(states).Draw(t, "state"))
	e.Job.Bay = rapid.SampledFrom([]string{"left", "right"}).Draw(t, "bay")
	e.Job.Presence = rapid.Uint64Range(0, 5).Draw(t, "presence")
	e.Events = rapid.SliceOfN(rapid.Just(e.Events[0]), 0, 3).Draw(t, "events")
	e.Audit = notes(t)
	e.Records = keyRecords(t)
	asked := *e

	err := m.store.Commit(e)
	old, known := m.jobs[id]
	if known && old.Job.State.Final() {
		if !job.HasCode(err, job.StoreFailed) || !reflect.DeepEqual(*e, asked) {
			t.Fatalf("a job that is %s was committed again: %v", old.Job.State, err)
		}
		return
	} else if err != nil {
		t.Fatal(err)
	} else if !known {
		m.order = append(m.order, id)
	}
	m.jobs[id] = asked
	if known || asked.Job.State != job.Rejected {
		bay := m.bays[asked.Job.Bay]
		m.bays[asked.Job.Bay] = bayModel{max(bay.presence, asked.Job.Presence), id}
	}
	m.tell(append(m.keep(asked.Records, id, asked.Job.Bay), asked.Events...))
	m.tellJob(id)
	m.audit = append(m.audit, asked.Audit...)
}

func notes(t *rapid.T) []job.AuditNote {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) job.AuditNote {
		return job.AuditNote{At: stamp(0), Who: rapid.StringN(0, 5, 20).Draw(t, "who")}
	}), 0, 2).Draw(t, "audit")
}

func keyRecords(t *rapid.T) []job.KeyRecord {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) job.KeyRecord {
		board := rapid.IntRange(0, 2).Draw(t, "board")
		raw := rapid.SliceOfN(rapid.Byte(), 0, 1).Draw(t, "raw")
		at := stamp(rapid.IntRange(0, 59).Draw(t, "second"))
		r := job.KeyRecord{Info: job.RecordInfo{DeviceID: device(board), KeyState: "valid", Stored: at}, Raw: secret.Of(raw)}
		if rapid.Bool().Draw(t, "proven") {
			r.Info.ProvenAt = &at
		}
		return r
	}), 0, 2).Draw(t, "records")
}

// keep adds the records that are new, and returns their events.
func (m *model) keep(records []job.KeyRecord, id, bay string) (events []job.Event) {
	for _, r := range records {
		r.Info.ID = r.ContentID()
		if slices.ContainsFunc(m.records, func(old job.KeyRecord) bool { return old.Info.ID == r.Info.ID }) {
			continue
		}
		m.records = append(m.records, r)
		events = append(events, job.Event{
			At: r.Info.Stored, What: job.RecordStored, Job: id, Bay: bay,
			Detail: fmt.Sprintf("record %s, key valid", r.Info.ID),
		})
	}
	return events
}

func (m *model) tell(events []job.Event) {
	for _, event := range events {
		event.Number = uint64(len(m.events) + 1)
		m.events = append(m.events, event)
		if m.post {
			m.letters = append(m.letters, fmt.Sprint("event ", event.Number))
		}
	}
}

// tellJob puts a job behind all other letters.
func (m *model) tellJob(id string) {
	if letter := "job " + id; m.post {
		m.letters = append(slices.DeleteFunc(m.letters, func(l string) bool { return l == letter }), letter)
	}
}

// inWord is a letter as the model has it.
func (m *model) inWord(t *rapid.T, letter job.Letter) string {
	switch letter.Kind {
	case job.EventLetter:
		if *letter.Event != m.events[letter.Event.Number-1] || letter.Droppable != letter.Event.What.Progress() {
			t.Fatalf("letter %+v tells %+v", letter, letter.Event)
		}
		return fmt.Sprint("event ", letter.Event.Number)
	case job.JobLetter:
		if want := m.jobs[letter.Job.ID].Job; !reflect.DeepEqual(*letter.Job, want) {
			t.Fatalf("a letter tells %+v, the job is %+v", letter.Job, want)
		}
		return "job " + letter.Job.ID
	}
	t.Fatalf("letter %+v", letter)
	return ""
}

func (m *model) doImport(t *rapid.T) {
	records, note := keyRecords(t), job.AuditNote{At: stamp(1), Who: "importer"}
	if err := m.store.Import(records, note); err != nil {
		t.Fatal(err)
	}
	m.tell(m.keep(records, "", ""))
	m.audit = append(m.audit, note)
}

func (m *model) deliver(t *rapid.T) {
	letters, err := m.store.Outbox(rapid.IntRange(0, 5).Draw(t, "limit"))
	if err != nil {
		t.Fatal(err)
	}
	numbers := []uint64{1 << 60}
	for i, letter := range letters {
		if got := m.inWord(t, letter); got != m.letters[i] {
			t.Fatalf("letter %d is %s, want %s", i, got, m.letters[i])
		}
		numbers = append(numbers, letter.Number)
	}
	if err := m.store.Delivered(numbers...); err != nil {
		t.Fatal(err)
	}
	m.letters = m.letters[len(letters):]
}

func (m *model) compare(t *rapid.T) {
	same := func(what string, got any, err error, want any) {
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s: %+v, %v, want %+v", what, got, err, want)
		}
	}
	var jobs, unfinished []job.Job
	for _, id := range m.order {
		want := m.jobs[id]
		jobs = append(jobs, want.Job)
		if !want.Job.State.Final() {
			unfinished = append(unfinished, want.Job)
		}
		got, memory, ok, err := m.store.Job(id)
		same("job "+id, []any{got, string(memory), ok}, err, []any{want.Job, string(want.Memory), true})
	}
	slices.Reverse(jobs)
	got, err := m.store.Jobs(100)
	same("jobs", got, err, jobs)
	got, err = m.store.Unfinished()
	same("unfinished jobs", got, err, unfinished)
	ended := uint64(0)
	tally, err := m.store.Tally()
	for _, count := range tally {
		ended += count.Jobs
	}
	same("tally", ended, err, len(jobs)-len(unfinished))
	for bay, want := range m.bays {
		presence, last, err := m.store.Bay(bay)
		same("bay "+bay, bayModel{presence, last}, err, want)
	}
	events, err := m.store.Events(0, 1e6)
	same("events", events, err, m.events)
	audit, err := m.store.Audit(0, 1e6)
	same("audit", audit, err, m.audit)
	letters, err := m.store.Outbox(1e6)
	var waiting []string
	for _, letter := range letters {
		waiting = append(waiting, m.inWord(t, letter))
	}
	same("outbox", waiting, err, m.letters)
	m.compareRecords(t)
}

func (m *model) compareRecords(t *rapid.T) {
	list, err := m.store.AllRecords()
	if err != nil || len(list) != len(m.records) {
		t.Fatalf("%d records, want %d, %v", len(list), len(m.records), err)
	}
	if !slices.IsSortedFunc(list, func(a, b job.RecordInfo) int { return a.Stored.At.Compare(b.Stored.At) }) {
		t.Fatalf("the oldest is not the first: %+v", list)
	}
	for _, want := range m.records {
		if !slices.ContainsFunc(list, func(info job.RecordInfo) bool { return reflect.DeepEqual(info, want.Info) }) {
			t.Fatalf("no record %+v in %+v", want.Info, list)
		}
	}
	if len(m.records) == 0 {
		return
	}
	want := m.records[len(m.events)%len(m.records)] // opening takes its time
	got, err := m.store.Record(want.Info.ID)
	if err != nil || !reflect.DeepEqual(got.Info, want.Info) || string(got.Raw.Reveal()) != string(want.Raw.Reveal()) {
		t.Fatalf("record %+v, %v, want %+v", got.Info, err, want.Info)
	}
}
