package keystore_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"duogateway/job"
	"duogateway/keystore"
)

// watcher is what somebody knows who hears all that an outbox delivers.
type watcher struct {
	store   *keystore.Store
	folder  string
	options keystore.Options

	asked   map[string]uint64 // the newest version of each job that was committed
	answers []string          // that were to be told, in order

	jobs   map[string]uint64 // the newest version of each job that was delivered
	events map[uint64]job.Event
	heard  []string // answers that were delivered
}

// Whatever is committed, dropped, carried away, sent in vain or cut short: order
// is kept, nothing but progress is lost, and of every number it is known what
// became of it. // P3, P5
func TestOutboxIsLikeItsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp("", "outbox")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(folder) }()
		w := &watcher{
			folder: folder, asked: map[string]uint64{}, jobs: map[string]uint64{}, events: map[uint64]job.Event{},
			options: keystore.Options{
				Post:          true,
				OutboxLetters: rapid.IntRange(1, 30).Draw(t, "letters"),
				OutboxBytes:   rapid.SampledFrom([]int{500, 3000, 0}).Draw(t, "bytes"),
			},
		}
		w.open(t)
		defer func() { _ = w.store.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"commit":  w.commit,
			"commit2": w.commit,
			"tell":    w.tell,
			"retell":  w.retell,
			"deliver": w.deliver,
			"reopen": func(t *rapid.T) {
				if err := w.store.Close(); err != nil {
					t.Fatal(err)
				}
				w.open(t)
			},
			"": w.check,
		})
	})
}

func (w *watcher) open(t *rapid.T) {
	var err error
	if w.store, err = keystore.Open(w.folder, w.options); err != nil {
		t.Fatal(err)
	}
}

var happenings = []job.EventKind{job.JobAdmitted, job.JobStarted, job.StepDone, job.StepDone, job.StepFailed, job.RecordStored, job.JobEnded}

func (w *watcher) commit(t *rapid.T) {
	e := entry(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "job"), job.Running)
	w.asked[e.Job.ID]++
	e.Job.Version = w.asked[e.Job.ID]
	e.Events = nil
	for _, what := range rapid.SliceOfN(rapid.SampledFrom(happenings), 0, 6).Draw(t, "events") {
		e.Events = append(e.Events, job.Event{At: stamp(0), What: what, Job: e.Job.ID})
	}
	if err := w.store.Commit(e); err != nil {
		t.Fatal(err)
	}
}

func (w *watcher) tell(t *rapid.T) {
	id := fmt.Sprint("answer-", len(w.answers))
	err := w.store.Tell(job.Answer{To: job.AskedCancel, ID: id, Ruling: job.Accepted, At: stamp(0)})
	if job.HasCode(err, job.OutboxFull) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	w.answers = append(w.answers, id)
	if stats, err := w.store.OutboxStats(); err != nil || stats.Full {
		t.Fatalf("an answer was taken, and the outbox is %+v, %v", stats, err)
	}
}

func (w *watcher) retell(t *rapid.T) {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "job")
	if err := w.store.Retell(id, stamp(0)); (err == nil) != (w.asked[id] > 0) {
		t.Fatal(err)
	}
}

// deliver carries letters away. Between reading them and the news that they
// have arrived, more may happen.
func (w *watcher) deliver(t *rapid.T) {
	page, err := w.store.Outbox(rapid.IntRange(0, 12).Draw(t, "limit"))
	if err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(0, 2).Draw(t, "meanwhile") {
		w.commit(t)
	}
	var numbers []uint64
	for _, l := range page {
		if rapid.IntRange(0, 4).Draw(t, "lost") == 0 {
			break
		}
		numbers = append(numbers, l.Number)
		w.hear(t, l)
	}
	if err := w.store.Delivered(numbers...); err != nil {
		t.Fatal(err)
	}
}

func (w *watcher) hear(t *rapid.T, l job.Letter) {
	switch l.Kind {
	case job.JobLetter:
		if l.Job.Version < w.jobs[l.Job.ID] {
			t.Fatalf("job %s goes back from version %d to %d", l.Job.ID, w.jobs[l.Job.ID], l.Job.Version)
		}
		w.jobs[l.Job.ID] = l.Job.Version
	case job.EventLetter:
		w.events[l.Event.Number] = *l.Event
	case job.AnswerLetter:
		w.heard = append(w.heard, l.Answer.ID)
	}
}

// check compares what was delivered and what waits with what happened.
func (w *watcher) check(t *rapid.T) {
	page, err := w.store.Outbox(1e6)
	if err != nil {
		t.Fatal(err)
	}
	known := watcher{jobs: map[string]uint64{}, events: map[uint64]job.Event{}, heard: slices.Clone(w.heard)}
	var lastLetter, lastEvent uint64
	waiting := map[string]int{}
	for _, l := range page {
		if l.Number <= lastLetter || l.Event != nil && l.Event.Number <= lastEvent {
			t.Fatalf("letter %d, event %+v stand behind letter %d, event %d", l.Number, l.Event, lastLetter, lastEvent)
		}
		lastLetter = l.Number
		known.hear(t, l)
		if l.Event != nil {
			lastEvent = l.Event.Number
		}
		if l.Job != nil {
			waiting[l.Job.ID]++
		}
	}
	for id, version := range w.asked {
		if waiting[id] > 1 || max(w.jobs[id], known.jobs[id]) != version {
			t.Fatalf("job %s is at version %d, told is %d, %d letters with version %d wait", id, version, w.jobs[id], waiting[id], known.jobs[id])
		}
	}
	if !slices.Equal(known.heard, w.answers) {
		t.Fatalf("the answers %q, want %q", known.heard, w.answers)
	}
	for number, event := range w.events {
		known.events[number] = event
	}
	dropped := w.checkEvents(t, known.events)
	w.checkStats(t, page, dropped)
}

// checkEvents counts the events that nobody will hear of. Each is progress, or
// the news of a gap that a later one tells too, and lies in a gap; and the gaps
// count as many as there are, or more: what was on its way when it was dropped
// may have been heard.
func (w *watcher) checkEvents(t *rapid.T, known map[uint64]job.Event) (progress uint64) {
	all, err := w.store.Events(0, 1e6)
	if err != nil {
		t.Fatal(err)
	}
	var counted, missing uint64
	var gaps []job.Gap
	for _, event := range known {
		if event.What == job.EventsDropped {
			gaps = append(gaps, event.Gap)
			counted += event.Gap.Count
		}
	}
	for i, event := range all {
		if event.Number != uint64(i+1) {
			t.Fatalf("event %d has the number %d", i+1, event.Number)
		}
		if _, ok := known[event.Number]; ok {
			continue
		}
		missing++
		if event.What.Progress() {
			progress++
		} else if event.What != job.EventsDropped {
			t.Fatalf("lost is %+v", event)
		}
		if !slices.ContainsFunc(gaps, func(g job.Gap) bool { return g.From <= event.Number && event.Number <= g.To }) {
			t.Fatalf("event %d is missing, and the gaps are %+v", event.Number, gaps)
		}
	}
	if counted < missing {
		t.Fatalf("%d events are missing, the gaps %+v count %d", missing, gaps, counted)
	}
	return progress
}

func (w *watcher) checkStats(t *rapid.T, page []job.Letter, dropped uint64) {
	stats, err := w.store.OutboxStats()
	if err != nil {
		t.Fatal(err)
	}
	size, droppable := 0, 0
	for _, l := range page {
		for _, content := range []any{l.Event, l.Job, l.Answer} {
			if text, err := json.Marshal(content); err == nil && string(text) != "null" {
				size += len(text)
			}
		}
		if l.Droppable {
			droppable++
		}
	}
	if stats.Letters != len(page) || stats.Bytes != size || (stats.Oldest == nil) != (len(page) == 0) || stats.Dropped < dropped {
		t.Fatalf("%+v of %d letters with %d bytes, %d dropped", stats, len(page), size, dropped)
	}
	limit := w.options.OutboxBytes
	if limit == 0 {
		limit = keystore.DefaultOutboxBytes
	}
	over := len(page) > w.options.OutboxLetters || size > limit
	if over != stats.Full || over && droppable > 0 {
		t.Fatalf("%+v, %d letters could go, the bounds are %+v", stats, droppable, w.options)
	}
}
