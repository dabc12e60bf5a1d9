package station

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"duogateway/job"
)

func TestStepsGoInOrder(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", done("one"), done("two"), passes("three"), done("four"))
		b.start()
		j := b.do("a")
		b.wantDiary("a one", "a two", "a three", "a closed succeeded")
		if j.Verdict != job.Pass || j.Proof != job.NotConfigured || j.Fault != nil || j.Started == nil || j.Wrote {
			t.Errorf("the job is %+v", j)
		}
		want := []string{"job-admitted", "job-started", "step-done one", "step-done two", "step-done three", "job-ended"}
		if events := b.journal.events("a"); !slices.Equal(events, want) {
			t.Errorf("events %q\nwant %q", events, want)
		}
		if len(j.Steps) != 3 || j.Steps[1].Name != "two" || j.Steps[1].Detail != "two done" || j.Steps[1].Failed {
			t.Errorf("steps %+v", j.Steps)
		}
		for _, e := range b.journal.entriesOf("a") {
			for _, event := range e.Events {
				if event.Job != "a" || event.Bay != bay1 || event.At.At.IsZero() {
					t.Errorf("event %+v", event)
				}
			}
		}
	})
}

// A step takes time, and its outcome says how much.
func TestStepTimes(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("one", 3*time.Second), passes("two"))
		b.start()
		j := b.do("a")
		if took := j.Steps[0].Ended.At.Sub(j.Steps[0].Started.At); took != 3*time.Second {
			t.Errorf("step one took %v", took)
		}
		if took := j.Ended.At.Sub(j.Started.At); took != 3*time.Second {
			t.Errorf("the job took %v", took)
		}
	})
}

// P5: what a step is about to do is on the disk before it does it, together
// with the outcome and the memory of the one before.
func TestIntentIsJournalledBeforeTheStep(t *testing.T) {
	onBench(t, func(b *bench) {
		var journalled []string
		look := func(name string) job.Step {
			return step(name, func(context.Context, job.Say) (job.Outcome, error) {
				j, memory, _, _ := b.journal.Job("a")
				journalled = append(journalled, fmt.Sprintf("%s %s wrote %v steps %d memory %s", j.State, j.Step, j.Wrote, len(j.Steps), memory))
				return job.Outcome{}, nil
			})
		}
		b.script("a", look("one"), writing(look("two")), look("three"), passes("end"))
		b.start()
		b.do("a")
		want := []string{
			`running one wrote false steps 0 memory {"done":null}`,
			`running two wrote true steps 1 memory {"done":["one"]}`,
			`running three wrote true steps 2 memory {"done":["one","two"]}`,
		}
		if !slices.Equal(journalled, want) {
			t.Errorf("journalled:\n got %q\nwant %q", journalled, want)
		}
	})
}

// What a step leaves behind is stored in one entry with its outcome. // P1, P5
func TestOutcomeIsOneEntry(t *testing.T) {
	onBench(t, func(b *bench) {
		record := job.KeyRecord{Info: job.RecordInfo{DeviceID: "x"}}
		note := job.AuditNote{Who: "operator", What: "device-id-stated"}
		out := job.Outcome{Detail: "saved", DeviceID: "board-a", Records: []job.KeyRecord{record}, Audit: []job.AuditNote{note}}
		b.plans["a"] = func(*memo) (*job.Plan, error) {
			backup := ""
			save := step("save", func(context.Context, job.Say) (job.Outcome, error) {
				backup = record.ContentID()
				return out, nil
			})
			result := func() job.Result { return job.Result{Backup: backup} }
			return &job.Plan{Steps: []job.Step{save, writing(done("write")), passes("end")}, Result: result}, nil
		}
		b.start()
		j := b.do("a")
		i := slices.IndexFunc(b.journal.entriesOf("a"), func(e job.Entry) bool { return len(e.Records) > 0 })
		if i < 0 {
			t.Fatal("the record was not stored")
		}
		e := b.journal.entriesOf("a")[i]
		if len(e.Audit) != 1 || e.Audit[0] != note || e.Job.Step != "write" || e.Job.DeviceID != "board-a" {
			t.Errorf("the entry is %+v", e)
		}
		if e.Job.Result.Backup != record.ContentID() || j.Result.Backup != record.ContentID() || j.DeviceID != "board-a" {
			t.Errorf("the job is %+v", j)
		}
	})
}

func TestJumps(t *testing.T) {
	onBench(t, func(b *bench) {
		b.plans["a"] = func(m *memo) (*job.Plan, error) {
			decide := step("decide", func(context.Context, job.Say) (job.Outcome, error) {
				if slices.Contains(m.Done, "decide") {
					return job.Outcome{Next: "end"}, nil
				}
				return job.Outcome{Next: "one"}, nil
			})
			return &job.Plan{Steps: []job.Step{done("one"), decide, fails("never", errPlain), passes("end")}}, nil
		}
		b.start()
		b.do("a")
		b.wantDiary("a one", "a decide", "a one", "a decide", "a end", "a closed succeeded")
	})
}

func TestJumpToNowhere(t *testing.T) {
	for name, steps := range map[string][]job.Step{
		"a missing step":  {goesOn(done("one"), "nowhere"), passes("two")},
		"behind the last": {done("one")},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", steps...)
				b.start()
				j := b.do("a")
				b.wantFault(j, job.Internal)
				b.wantDiary("a one", "a closed failed")
			})
		})
	}
}

// P3: the final state says what really happened.
func TestEndings(t *testing.T) {
	fault := func(code job.Code) *job.Report {
		r := job.ReportOf(job.Failf(code, "found out"))
		return &r
	}
	end := func(e job.Ending) job.Step { return gives("end", job.Outcome{End: &e}) }
	for name, test := range map[string]struct {
		last    job.Step
		state   job.State
		verdict job.Verdict
		proof   job.Proof
		code    job.Code
		event   string
	}{
		"a pass":            {end(job.Ending{Proof: job.Proven}), job.Succeeded, job.Pass, job.Proven, "", "step-done end"},
		"fault of a board":  {end(job.Ending{Fault: fault(job.NoSavedKey)}), job.Failed, job.Fail, "", job.NoSavedKey, "step-done end"},
		"of the station":    {end(job.Ending{Fault: fault(job.LinesBusy)}), job.Failed, job.Error, "", job.LinesBusy, "step-done end"},
		"of the request":    {end(job.Ending{Fault: fault(job.NotThisBoard)}), job.Rejected, job.Denied, "", job.NotThisBoard, "step-done end"},
		"proof of a fail":   {end(job.Ending{Proof: job.Awaited, Fault: fault(job.NoUSB)}), job.Failed, job.Fail, "", job.NoUSB, "step-done end"},
		"error of a board":  {fails("end", job.Failf(job.NoUSB, "nothing there")), job.Failed, job.Fail, "", job.NoUSB, "step-failed end"},
		"error, wrapped":    {fails("end", fmt.Errorf("looking: %w", job.Failf(job.USBFailed, "no bus"))), job.Failed, job.Error, "", job.USBFailed, "step-failed end"},
		"error of a demand": {fails("end", job.Failf(job.NoSoundRecord, "no key")), job.Rejected, job.Denied, "", job.NoSoundRecord, "step-failed end"},
		"error, no code":    {fails("end", errPlain), job.Failed, job.Error, "", job.Internal, "step-failed end"},
		"error, other code": {fails("end", job.Failf("no-such-code", "odd")), job.Failed, job.Error, "", job.Internal, "step-failed end"},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", done("one"), test.last)
				b.start()
				j := b.do("a")
				if j.State != test.state || j.Verdict != test.verdict || j.Proof != test.proof {
					t.Errorf("the job is %s, verdict %q, proof %q", j.State, j.Verdict, j.Proof)
				}
				if test.code != "" {
					b.wantFault(j, test.code)
				}
				want := []string{"job-admitted", "job-started", "step-done one", test.event, "job-ended"}
				if events := b.journal.events("a"); !slices.Equal(events, want) {
					t.Errorf("events %q\nwant %q", events, want)
				}
				if last := j.Steps[len(j.Steps)-1]; last.Name != "end" || last.Failed != (test.event == "step-failed end") {
					t.Errorf("the last step is %+v", last)
				}
			})
		})
	}
}

func TestPlanThatCannotBeMade(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		state job.State
		code  job.Code
	}{
		"of the request": {job.Failf(job.UnknownRecord, "no such record"), job.Rejected, job.UnknownRecord},
		"without a code": {errPlain, job.Failed, job.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.plans["a"] = func(*memo) (*job.Plan, error) { return nil, test.err }
				b.start()
				j := b.do("a")
				b.wantState("a", test.state)
				b.wantFault(j, test.code)
				b.wantDiary()
				if j.Started != nil || len(j.Steps) > 0 {
					t.Errorf("the job is %+v", j)
				}
			})
		})
	}
}

// A step tells how it gets on, and nothing of that is journalled.
func TestProgressIsNotJournalled(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", step("one", func(_ context.Context, say job.Say) (job.Outcome, error) {
			say("half way", 1, 2)
			return job.Outcome{End: &job.Ending{Proof: job.NotConfigured}}, nil
		}))
		b.start()
		updates, stop := b.station.Watch("a")
		defer stop()
		b.do("a")
		var told []string
		for u := (Update{}); u.Job == nil || !u.Job.State.Final(); {
			u = <-updates
			told = append(told, tell(u))
		}
		want := []string{"queued", "running", "one  0/0", "one half way 1/2", "succeeded"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q\nwant %q", told, want)
		}
		if b.journal.committed() != 3 {
			t.Errorf("%d commits", b.journal.committed())
		}
	})
}

func tell(u Update) string {
	if u.Job != nil {
		return string(u.Job.State)
	}
	return fmt.Sprintf("%s %s %d/%d", u.Progress.Step, u.Progress.Text, u.Progress.Done, u.Progress.Total)
}

// The memory must have a JSON form; that is for the author of a plan to see.
func TestMemoryWithoutText(t *testing.T) {
	w := &walk{plan: &job.Plan{Memory: func() {}}}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	w.memory()
}
