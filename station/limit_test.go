package station

import (
	"testing"
	"time"

	"duogateway/job"
)

func TestTimeLimit(t *testing.T) {
	for name, test := range map[string]struct {
		steps []job.Step
		state job.State
		diary []string
	}{
		"a step that gives up": {
			[]job.Step{takes("one", time.Hour), passes("end")},
			job.TimedOut, []string{"a one", "a closed timed_out"},
		},
		"a step that does not listen": {
			[]job.Step{insists("one"), done("two"), passes("end")},
			job.TimedOut, []string{"a one", "a closed timed_out"},
		},
		"not the first step": {
			[]job.Step{takes("one", 20*time.Second), takes("two", 20*time.Second), passes("end")},
			job.TimedOut, []string{"a one", "a two", "a closed timed_out"},
		},
		"just before the write": { // P3: timed_out is never said of a job that wrote
			[]job.Step{insists("one"), writing(done("write")), passes("end")},
			job.TimedOut, []string{"a one", "a closed timed_out"},
		},
		"in the write": {
			[]job.Step{done("one"), writing(takes("write", time.Minute)), passes("end")},
			job.Succeeded, []string{"a one", "a write", "a end", "a closed succeeded"},
		},
		"behind the write": {
			[]job.Step{done("one"), writing(done("write")), takes("check", time.Minute), writing(takes("more", time.Minute)), passes("end")},
			job.Succeeded, []string{"a one", "a write", "a check", "a more", "a end", "a closed succeeded"},
		},
		"in time": {
			[]job.Step{takes("one", 29*time.Second), passes("end")},
			job.Succeeded, []string{"a one", "a end", "a closed succeeded"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.config.JobLimit = 30 * time.Second
				b.script("a", test.steps...)
				b.start()
				j := b.do("a")
				b.wantState("a", test.state)
				b.wantDiary(test.diary...)
				if j.State == job.TimedOut && (j.Wrote || j.Verdict != "" || j.Fault != nil) {
					t.Errorf("the job is %+v", j)
				}
			})
		})
	}
}

// What a step found before the time was over is kept. // P5
func TestTimeLimitKeepsWhatWasFound(t *testing.T) {
	onBench(t, func(b *bench) {
		b.config.JobLimit = 30 * time.Second
		save := gives("save", job.Outcome{Records: []job.KeyRecord{{Info: job.RecordInfo{DeviceID: "x"}}}})
		b.script("a", slowly(save), writing(done("write")))
		b.start()
		j := b.do("a")
		b.wantState("a", job.TimedOut)
		entries := b.journal.entriesOf("a")
		if last := entries[len(entries)-1]; len(last.Records) != 1 || len(j.Steps) != 1 {
			t.Errorf("the last entry is %+v", last)
		}
	})
}

// The limit counts from the start of a job, not from its admission.
func TestTimeLimitDoesNotCountWaiting(t *testing.T) {
	onBench(t, func(b *bench) {
		b.config.JobLimit = 30 * time.Second
		for _, id := range []string{"a", "b"} {
			b.script(id, takes("work", 29*time.Second), passes("end"))
		}
		b.start()
		b.admit("a", bay1)
		b.admit("b", bay1)
		b.await("b")
		b.wantState("a", job.Succeeded)
		b.wantState("b", job.Succeeded)
	})
}

func TestTimeLimitUnlessToldOtherwise(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Hour))
		b.start()
		j := b.do("a")
		if took := j.Ended.At.Sub(j.Started.At); j.State != job.TimedOut || took != DefaultJobLimit {
			t.Errorf("the job is %s after %v", j.State, took)
		}
	})
}
