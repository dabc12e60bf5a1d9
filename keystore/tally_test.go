package keystore_test

import (
	"reflect"
	"testing"

	"duogateway/job"
	"duogateway/keystore"
)

// A job counts once, by how it ended, however often it was committed before and
// the store was opened anew.
func TestTally(t *testing.T) {
	folder := t.TempDir()
	for _, step := range []struct {
		id      string
		kind    job.Kind
		state   job.State
		verdict job.Verdict
	}{
		{"a", job.Repair, job.Queued, ""},
		{"a", job.Repair, job.Running, ""},
		{"a", job.Repair, job.Running, ""},
		{"a", job.Repair, job.Succeeded, job.Pass},
		{"b", job.Repair, job.Failed, job.Error},
		{"c", job.Repair, job.Failed, job.Fail},
		{"d", job.Diagnose, job.Canceled, ""},
		{"e", job.Repair, job.Succeeded, job.Pass},
		{"f", "made-up", job.Rejected, job.Denied},
		{"g", "made-up-too", job.Rejected, job.Denied},
		{"h", job.Repair, job.Running, ""},
	} {
		s, err := keystore.Open(folder, keystore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e := entry(step.id, step.state)
		e.Job.Kind, e.Job.Verdict = step.kind, step.verdict
		commit(t, s, e)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := open(t, folder, keystore.Options{}).Tally()
	want := []keystore.Count{
		{"", "rejected", 2}, {job.Diagnose, "canceled", 1},
		{job.Repair, "error", 1}, {job.Repair, "fail", 1}, {job.Repair, "pass", 2},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// A request that was refused and comes again, and a late change of a job that
// is over, count no second time. // P3
func TestTallyOfWhatIsRefused(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{})
	commit(t, s, entry("a", job.Rejected))
	for _, state := range []job.State{job.Rejected, job.Succeeded} {
		expectCode(t, s.Commit(entry("a", state)), job.StoreFailed)
	}
	got, err := s.Tally()
	if want := []keystore.Count{{job.Backup, "rejected", 1}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}
