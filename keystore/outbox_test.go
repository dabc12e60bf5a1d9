package keystore_test

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"duogateway/job"
	"duogateway/keystore"
)

// told tells what letters tell, in short.
func told(letters []job.Letter) (list []string) {
	for _, l := range letters {
		switch l.Kind {
		case job.EventLetter:
			text := fmt.Sprint(l.Event.What, " ", l.Event.Number)
			if l.Event.Gap != (job.Gap{}) {
				text += fmt.Sprintf(" %d-%d:%d", l.Event.Gap.From, l.Event.Gap.To, l.Event.Gap.Count)
			}
			list = append(list, text)
		case job.JobLetter:
			list = append(list, fmt.Sprint("job ", l.Job.ID, " ", l.Job.State))
		case job.AnswerLetter:
			list = append(list, fmt.Sprint("answer ", l.Answer.ID, " ", l.Answer.Ruling))
		}
	}
	return list
}

func letters(t testing.TB, s *keystore.Store) []job.Letter {
	t.Helper()
	return firstLetters(t, s, math.MaxInt)
}

func wantLetters(t *testing.T, s *keystore.Store, want ...string) {
	t.Helper()
	if got := told(letters(t, s)); !slices.Equal(got, want) {
		t.Errorf("the outbox holds\n%q, want\n%q", got, want)
	}
}

// progress is a commit with n events that may be dropped.
func progress(t testing.TB, s *keystore.Store, id string, n int) {
	t.Helper()
	e := entry(id, job.Running)
	e.Events = slices.Repeat(e.Events, n)
	commit(t, s, e)
}

func finish(t testing.TB, s *keystore.Store, id string, state job.State) {
	t.Helper()
	e := entry(id, state)
	e.Events[0].What = job.JobEnded
	commit(t, s, e)
}

// A letter waits until it is delivered, also over a restart, and is gone then.
// // P5
func TestOutbox(t *testing.T) {
	folder := t.TempDir()
	s, err := keystore.Open(folder, keystore.Options{Post: true})
	if err != nil {
		t.Fatal(err)
	}
	finish(t, s, "a", job.Succeeded)
	finish(t, s, "b", job.Failed)
	if err := s.Tell(job.Answer{To: job.AskedJob, ID: "c", Ruling: job.Refused, At: stamp(1)}); err != nil {
		t.Fatal(err)
	}
	wantLetters(t, s, "job-ended 1", "job a succeeded", "job-ended 2", "job b failed", "answer c rejected")
	all := letters(t, s)
	if err := s.Delivered(all[2].Number, all[0].Number, 99, all[0].Number, 0, math.MaxUint64); err != nil {
		t.Error(err)
	}
	if err := s.Delivered(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, folder, keystore.Options{})
	commit(t, s, entry("quiet", job.Succeeded)) // there is no link now
	if err := s.Tell(job.Answer{}); err != nil {
		t.Error(err)
	}
	if rest := letters(t, s); !reflect.DeepEqual(rest, []job.Letter{all[1], all[3], all[4]}) {
		t.Errorf("%q", told(rest))
	}
	if events, err := s.Events(0, 9); err != nil || len(events) != 3 {
		t.Errorf("%d events, %v: the outbox has taken some along", len(events), err)
	}
}

// Of a job the newest state is told, behind what led to it. A state that is on
// its way already does not count as the newer one when it arrives. // P3
func TestNewestStateOfAJob(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	progress(t, s, "a", 1)
	onItsWay := letters(t, s)
	finish(t, s, "a", job.Succeeded)
	wantLetters(t, s, "step-done 1", "job-ended 2", "job a succeeded")
	if err := s.Delivered(onItsWay[0].Number, onItsWay[1].Number); err != nil {
		t.Fatal(err)
	}
	wantLetters(t, s, "job-ended 2", "job a succeeded")
}

// Who asks for a known job is told of it once more; often asked is told once.
// // P3
func TestRetell(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	expectCode(t, s.Retell("a", stamp(1)), job.UnknownJob)
	finish(t, s, "a", job.Succeeded)
	all := letters(t, s)
	if err := s.Delivered(all[0].Number, all[1].Number); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Retell("a", stamp(1)); err != nil {
			t.Fatal(err)
		}
	}
	wantLetters(t, s, "job a succeeded")
	if j, _, _, err := s.Job("a"); err != nil || j.State != job.Succeeded {
		t.Errorf("%+v, %v", j, err)
	}
	if events, err := s.Events(0, 9); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// When there is no room the oldest progress goes, and one event tells which is
// missing, whatever is dropped later. Results stay, also beyond the bounds.
func TestOutboxBounds(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true, OutboxLetters: 8})
	progress(t, s, "a", 4)
	finish(t, s, "b", job.Succeeded)
	wantLetters(t, s, "step-done 1", "step-done 2", "step-done 3", "step-done 4", "job a running", "job-ended 5", "job b succeeded")
	progress(t, s, "a", 2) // for 9 letters there is no room
	wantLetters(t, s, "step-done 4", "job-ended 5", "job b succeeded", "step-done 6", "step-done 7", "job a running", "events-dropped 8 1-3:3")
	progress(t, s, "a", 2)
	wantLetters(t, s, "job-ended 5", "job b succeeded", "step-done 9", "step-done 10", "job a running", "events-dropped 11 1-8:7")
	for _, id := range []string{"c", "d", "e"} {
		finish(t, s, id, job.Failed)
	}
	wantLetters(t, s, "job-ended 5", "job b succeeded", "job a running", "job-ended 12", "job c failed",
		"job-ended 13", "job d failed", "events-dropped 14 1-11:10", "job-ended 15", "job e failed")
	stats, err := s.OutboxStats()
	if err != nil || stats.Letters != 10 || !stats.Full || stats.Dropped != 8 || *stats.Oldest != stamp(0) {
		t.Errorf("%+v, %v", stats, err)
	}
	expectCode(t, s.Tell(job.Answer{At: stamp(2)}), job.OutboxFull)
	if again, err := s.OutboxStats(); err != nil || !reflect.DeepEqual(again, stats) {
		t.Errorf("an answer that there was no room for changed %+v to %+v, %v", stats, again, err)
	}

	var numbers []uint64
	for _, l := range letters(t, s) {
		numbers = append(numbers, l.Number)
	}
	if err := s.Delivered(numbers...); err != nil {
		t.Fatal(err)
	}
	progress(t, s, "f", 8) // a gap that was told is not told again
	wantLetters(t, s, "step-done 19", "step-done 20", "step-done 21", "step-done 22", "step-done 23", "job f running", "events-dropped 24 16-18:3")
}

// The bytes are bounded too.
func TestOutboxBytes(t *testing.T) {
	const bound = 4000
	s := open(t, t.TempDir(), keystore.Options{Post: true, OutboxBytes: bound})
	for range 20 {
		progress(t, s, "a", 3)
		if stats, err := s.OutboxStats(); err != nil || stats.Bytes > bound || stats.Full {
			t.Fatalf("%+v, %v", stats, err)
		}
	}
	if all := told(letters(t, s)); len(all) < 10 {
		t.Errorf("only %q are left", all)
	}
}

// What waits calls who carries it, once for many letters.
func TestChanged(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	called := func() bool {
		select {
		case <-s.Changed():
			return true
		default:
			return false
		}
	}
	for name, write := range map[string]func() error{
		"commit": func() error { return s.Commit(entry("a", job.Running)) },
		"tell":   func() error { return s.Tell(job.Answer{}) },
		"retell": func() error { return s.Retell("a", stamp(1)) },
		"import": func() error {
			return s.Import([]job.KeyRecord{small(device(1), 1)}, job.AuditNote{Who: "somebody"})
		},
	} {
		commit(t, s, entry("a", job.Running))
		for called() {
		}
		for range 2 {
			if err := write(); err != nil {
				t.Fatal(err)
			}
		}
		if !called() || called() {
			t.Errorf("%s: not called once", name)
		}
	}
	if err := s.Delivered(1); err != nil || called() {
		t.Errorf("called when something was delivered, %v", err)
	}
}

// The events of a day without a connection all wait, and are then carried away
// in order, in pages of a size that does not grow. // P5
func TestDayOffline(t *testing.T) {
	const jobs, events = 1000, 10 // of each job
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	for i := range jobs {
		e := entry(fmt.Sprint("job-", i), job.Succeeded)
		e.Events = slices.Repeat(e.Events, events)
		commit(t, s, e)
	}
	stats, err := s.OutboxStats()
	if err != nil || stats.Letters != jobs*(events+1) || stats.Dropped != 0 || stats.Full {
		t.Fatalf("%+v, %v", stats, err)
	}
	before := heap()
	var event uint64
	finished := 0
	for page := firstLetters(t, s, 100); len(page) > 0; page = firstLetters(t, s, 100) {
		var numbers []uint64
		for _, l := range page {
			numbers = append(numbers, l.Number)
			switch {
			case l.Kind == job.EventLetter && l.Event.Number == event+1:
				event++
			case l.Kind == job.JobLetter && l.Job.ID == fmt.Sprint("job-", finished) && event == uint64(events*(finished+1)):
				finished++
			default:
				t.Fatalf("behind event %d and %d jobs comes %q", event, finished, told([]job.Letter{l}))
			}
		}
		if err := s.Delivered(numbers...); err != nil {
			t.Fatal(err)
		}
	}
	if event != jobs*events || finished != jobs {
		t.Errorf("%d events and %d jobs were told", event, finished)
	}
	if after := heap(); after > before+1<<20 {
		t.Errorf("the memory in use grew from %d to %d bytes", before, after)
	}
}

func firstLetters(t testing.TB, s *keystore.Store, limit int) []job.Letter {
	t.Helper()
	page, err := s.Outbox(limit)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
