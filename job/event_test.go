package job_test

import (
	"slices"
	"testing"

	"duogateway/job"
)

// An event may be given up only when a job tells as much.
func TestProgress(t *testing.T) {
	kept := []string{"record-stored", "job-ended", "job-rejected", "events-dropped"}
	for name, kind := range constants(t, "EventKind") {
		if want := !slices.Contains(kept, kind); job.EventKind(kind).Progress() != want {
			t.Errorf("%s: progress is %v", name, !want)
		}
	}
}

func TestJoinGaps(t *testing.T) {
	a, b := job.Gap{From: 3, To: 9, Count: 4}, job.Gap{From: 7, To: 12, Count: 2}
	want := job.Gap{From: 3, To: 12, Count: 6}
	for _, got := range []job.Gap{a.Join(b), b.Join(a), want.Join(job.Gap{}), (job.Gap{}).Join(want)} {
		if got != want {
			t.Errorf("joined to %+v", got)
		}
	}
}
