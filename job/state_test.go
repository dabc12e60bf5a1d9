package job_test

import (
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

func TestFinal(t *testing.T) {
	final := map[job.State]bool{
		job.Queued: false, job.Running: false,
		job.Succeeded: true, job.Failed: true, job.Rejected: true, job.Canceled: true, job.TimedOut: true,
	}
	for name, text := range constants(t, "State") {
		want, listed := final[job.State(text)]
		if !listed || job.State(text).Final() != want {
			t.Errorf("%s: final is %v", name, job.State(text).Final())
		}
	}
}

// An ending is one transition: the state and verdict belong together, and only
// a pass has a proof. // P3
func TestEnd(t *testing.T) {
	at := job.Stamp{At: time.Unix(1, 0), Boot: "b"}
	fault := job.ReportOf(job.Failf(job.NoUSB, "x"))
	for verdict, c := range map[job.Verdict]struct {
		fault *job.Report
		state job.State
		proof job.Proof
	}{
		job.Pass:   {nil, job.Succeeded, job.Awaited},
		job.Fail:   {&fault, job.Failed, ""},
		job.Error:  {&fault, job.Failed, ""},
		job.Denied: {&fault, job.Rejected, ""},
	} {
		j := job.Job{State: job.Running, Version: 7, Step: "write"}
		j.End(verdict, job.Awaited, c.fault, at)
		if j.State != c.state || j.Verdict != verdict || j.Proof != c.proof || j.Fault != c.fault || j.Version != 8 || j.Step != "" || *j.Ended != at {
			t.Errorf("%s: %+v", verdict, j)
		}
	}
}

func TestStop(t *testing.T) {
	at := job.Stamp{At: time.Unix(1, 0)}
	for _, state := range []job.State{job.Canceled, job.TimedOut} {
		j := job.Job{State: job.Running, Version: 7, Step: "enter-dfu"}
		j.Stop(state, at)
		if j.State != state || j.Verdict != "" || j.Proof != "" || j.Fault != nil || j.Version != 8 || j.Step != "" || *j.Ended != at {
			t.Errorf("%s: %+v", state, j)
		}
	}
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour + time.Nanosecond)
		now := time.Now()
		synchronised := false
		clock := job.Clock{Boot: "boot", Synchronised: func() bool { return synchronised }}
		for _, want := range []bool{false, true} {
			synchronised = want
			got := clock.Now()
			if !got.At.Equal(now) || got.At != now.UTC().Round(0) || got.Trusted != want || got.Boot != "boot" {
				t.Errorf("%+v at %v", got, now)
			}
		}
		if (job.Clock{}).Now().Trusted {
			t.Error("a clock that knows nothing is trusted")
		}
	})
}
