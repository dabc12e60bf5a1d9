package keystore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"duogateway/job"
	"duogateway/keystore"
)

func TestCommitIsReadBack(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{})
	e := entry("a", job.Running)
	e.Job.Steps = append(e.Job.Steps, job.StepOutcome{Name: "identify", Started: stamp(1), Ended: stamp(2), Detail: "r6"})
	e.Audit = []job.AuditNote{{At: stamp(1), Job: "a", Who: "operator", What: "device id", Detail: "stated"}}
	commit(t, s, e)

	j, memory, ok, err := s.Job("a")
	if err != nil || !ok || !reflect.DeepEqual(j, e.Job) || string(memory) != string(e.Memory) {
		t.Errorf("job %+v, memory %s, %v, %v", j, memory, ok, err)
	}
	events, err := s.Events(0, 9)
	if err != nil || !reflect.DeepEqual(events, e.Events) || events[0].Number != 1 {
		t.Errorf("events %+v, %v", events, err)
	}
	if audit, err := s.Audit(0, 9); err != nil || !reflect.DeepEqual(audit, e.Audit) {
		t.Errorf("audit %+v, %v", audit, err)
	}
	if presence, last, err := s.Bay("bay-1"); err != nil || presence != 1 || last != "a" {
		t.Errorf("bay: presence %d, last job %q, %v", presence, last, err)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{})
	if j, memory, ok, err := s.Job("a"); err != nil || ok || memory != nil || j.ID != "" {
		t.Errorf("job %+v, %s, %v, %v", j, memory, ok, err)
	}
	if presence, last, err := s.Bay("bay-1"); err != nil || presence != 0 || last != "" {
		t.Errorf("bay: %d, %q, %v", presence, last, err)
	}
	_, err := s.Record("none")
	expectCode(t, err, job.UnknownRecord)
}

// A final job never changes: neither its end nor what comes with it. // P3
func TestFinalJobsNeverChange(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	for _, final := range []job.State{job.Succeeded, job.Failed, job.Rejected, job.Canceled, job.TimedOut} {
		id := string(final)
		commit(t, s, entry(id, job.Running))
		e := entry(id, final)
		e.Job.Version = 7
		commit(t, s, e)
		before := contents(t, s)
		for _, again := range []job.State{final, job.Queued, job.Running, job.Succeeded, job.Failed} {
			late := entry(id, again)
			late.Events = append(late.Events, late.Events[0])
			late.Records = []job.KeyRecord{small(device(1), 1)}
			late.Audit = []job.AuditNote{{Who: "somebody"}}
			expectCode(t, s.Commit(late), job.StoreFailed)
			// The entry may be looked at, or tried again.
			if len(late.Events) != 2 || late.Events[0].Number != 0 || late.Events[1].Number != 0 {
				t.Errorf("the refused entry now has the events %+v", late.Events)
			}
		}
		if after := contents(t, s); after != before {
			t.Errorf("%s: the store changed from\n%s\nto\n%s", final, before, after)
		}
	}
}

// contents is all that a store tells.
func contents(t *testing.T, s *keystore.Store) string {
	t.Helper()
	jobs, errJobs := s.Jobs(math.MaxInt)
	unfinished, errUnfinished := s.Unfinished()
	events, errEvents := s.Events(0, math.MaxInt)
	outbox, errOutbox := s.Outbox(math.MaxInt)
	audit, errAudit := s.Audit(0, math.MaxInt)
	records, errRecords := s.AllRecords()
	presence, last, errBay := s.Bay("bay-1")
	for _, err := range []error{errJobs, errUnfinished, errEvents, errOutbox, errAudit, errRecords, errBay} {
		if err != nil {
			t.Fatal(err)
		}
	}
	stats, errStats := s.OutboxStats()
	tally, errTally := s.Tally()
	letters, errLetters := json.Marshal([]any{outbox, stats, tally})
	if err := errors.Join(errStats, errTally, errLetters); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%+v\n%+v\n%+v\n%s\n%+v\n%+v\n%d %s", jobs, unfinished, events, letters, audit, records, presence, last)
}

// Whatever part of an entry cannot be stored, nothing of it is. // P5
func TestCommitIsAllOrNothing(t *testing.T) {
	for name, spoil := range map[string]func(*job.Entry){
		"job without an id":     func(e *job.Entry) { e.Job.ID = "" },
		"job without a bay":     func(e *job.Entry) { e.Job.Bay = "" },
		"memory that is broken": func(e *job.Entry) { e.Memory = []byte("{") },
		"event of no time":      func(e *job.Entry) { e.Events[0].At.At = e.Events[0].At.At.AddDate(9000, 0, 0) },
		"audit of no time":      func(e *job.Entry) { e.Audit[0].At.At = e.Audit[0].At.At.AddDate(9000, 0, 0) },
		"record of no time":     func(e *job.Entry) { e.Records[0].Info.Stored.At = e.Events[0].At.At.AddDate(9000, 0, 0) },
		"name too long":         func(e *job.Entry) { e.Job.ID = strings.Repeat("x", 40000) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), keystore.Options{Post: true})
			commit(t, s, entry("a", job.Running))
			before := contents(t, s)
			e := entry("b", job.Running)
			e.Audit = []job.AuditNote{{At: stamp(1), Who: "somebody"}}
			e.Records = []job.KeyRecord{small(device(1), 1)}
			spoil(e)
			expectCode(t, s.Commit(e), job.StoreFailed)
			if after := contents(t, s); after != before {
				t.Errorf("the store changed from\n%s\nto\n%s", before, after)
			}
			next := entry("c", job.Running)
			commit(t, s, next)
			if next.Events[0].Number != 2 {
				t.Errorf("the next event has the number %d", next.Events[0].Number)
			}
		})
	}
}

// Events have one series of numbers without gaps, over restarts and over
// transactions that failed.
func TestEventNumbers(t *testing.T) {
	folder := t.TempDir()
	for run := range 4 {
		s, err := keystore.Open(folder, keystore.Options{Post: run%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		e := entry(fmt.Sprint("job-", run), job.Succeeded)
		e.Events = append(e.Events, e.Events[0], e.Events[0])
		commit(t, s, e)
		if err := s.Commit(entry(fmt.Sprint("job-", run), job.Running)); err == nil {
			t.Error("a final job was changed")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, folder, keystore.Options{})
	events, err := s.Events(0, 99)
	if err != nil || len(events) != 12 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, event := range events {
		if event.Number != uint64(i+1) {
			t.Errorf("event %d has the number %d", i+1, event.Number)
		}
	}
}

// numbered lists a series, given the numbers of its rows.
func TestSeriesAreReadInPieces(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	for i := range 5 {
		e := entry(fmt.Sprint("job-", i), job.Succeeded)
		e.Audit = []job.AuditNote{{At: stamp(0), Who: "somebody", Detail: fmt.Sprint(i + 1)}}
		commit(t, s, e)
	}
	for _, c := range []struct {
		after uint64
		limit int
		want  []uint64
	}{
		{0, 9, []uint64{1, 2, 3, 4, 5}}, {0, 2, []uint64{1, 2}}, {2, 2, []uint64{3, 4}}, {4, 2, []uint64{5}},
		{5, 2, nil}, {99, 2, nil}, {math.MaxUint64, 2, nil}, {0, 0, nil}, {0, -1, nil},
	} {
		events, err := s.Events(c.after, c.limit)
		var got []uint64
		for _, event := range events {
			got = append(got, event.Number)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("events after %d, at most %d: %d, %v", c.after, c.limit, got, err)
		}
		audit, err := s.Audit(c.after, c.limit)
		got = nil
		for _, note := range audit {
			var number uint64
			_, _ = fmt.Sscan(note.Detail, &number)
			got = append(got, number)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("audit after %d, at most %d: %d, %v", c.after, c.limit, got, err)
		}
	}
	for limit, want := range map[int]int{-1: 0, 0: 0, 3: 3, 5: 5, 9: 5} {
		if letters, err := s.Outbox(limit); err != nil || len(letters) != max(0, limit) { // there are 10
			t.Errorf("outbox of %d: %d letters, %v", limit, len(letters), err)
		}
		jobs, err := s.Jobs(limit)
		if err != nil || len(jobs) != want {
			t.Errorf("newest %d jobs: %d, %v", limit, len(jobs), err)
		}
		for i, j := range jobs {
			if j.ID != fmt.Sprint("job-", 4-i) {
				t.Errorf("newest job %d is %s", i, j.ID)
			}
		}
	}
}

// Unfinished jobs come in the order of admission, whatever order their steps
// take, and leave the list when they end. // P3
func TestUnfinished(t *testing.T) {
	folder := t.TempDir()
	s, err := keystore.Open(folder, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"c", "a", "b", "d"} {
		commit(t, s, entry(id, job.Queued))
	}
	commit(t, s, entry("b", job.Running))
	commit(t, s, entry("a", job.Canceled))
	commit(t, s, entry("c", job.Running))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, folder, keystore.Options{})
	list, err := s.Unfinished()
	if err != nil || !slices.Equal(ids(list), []string{"c", "b", "d"}) {
		t.Errorf("%v, %v", ids(list), err)
	}
	list, err = s.Jobs(3)
	if err != nil || !slices.Equal(ids(list), []string{"d", "b", "a"}) {
		t.Errorf("newest: %v, %v", ids(list), err)
	}
}

func ids(jobs []job.Job) (list []string) {
	for _, j := range jobs {
		list = append(list, j.ID)
	}
	return list
}

// Attachments are numbered upwards. A job that still runs with an earlier one
// does not take the number back.
func TestBayKeepsTheHighestPresence(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{})
	for _, c := range []struct {
		id             string
		presence, want uint64
	}{{"first", 3, 3}, {"second", 4, 4}, {"first", 3, 4}, {"second", 5, 5}} {
		e := entry(c.id, job.Running)
		e.Job.Presence = c.presence
		commit(t, s, e)
		if presence, last, err := s.Bay("bay-1"); err != nil || presence != c.want || last != c.id {
			t.Errorf("after job %s with presence %d: presence %d, last job %s, %v", c.id, c.presence, presence, last, err)
		}
	}
	if presence, last, err := s.Bay("bay-2"); err != nil || presence != 0 || last != "" {
		t.Errorf("another bay: %d, %q, %v", presence, last, err)
	}
}

func TestClosed(t *testing.T) {
	folder := t.TempDir()
	s, err := keystore.Open(folder, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, errJobs := s.Jobs(1)
	for _, err := range []error{errJobs, s.Commit(entry("a", job.Queued)), s.Check(), s.Delivered(1)} {
		expectCode(t, err, job.StoreFailed)
	}
}

// A store serves several goroutines at once.
func TestConcurrentUse(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	r := small(device(1), 1)
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for i := range 10 {
				e := entry(fmt.Sprintf("job-%d-%d", worker, i), job.Succeeded)
				if i == 0 {
					e.Records = []job.KeyRecord{r}
				}
				if err := s.Commit(e); err != nil {
					t.Error(err)
				}
				letters, err := s.Outbox(3)
				if err != nil {
					t.Error(err)
				}
				for _, letter := range letters {
					if err := s.Delivered(letter.Number); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.Record(r.ContentID()); i > 0 && err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	events, err := s.Events(0, 999)
	if err != nil || len(events) != 41 { // one is of the record
		t.Errorf("%d events, %v", len(events), err)
	}
	if records, err := s.AllRecords(); err != nil || len(records) != 1 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}
