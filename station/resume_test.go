package station

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// P3: a job that the end of the station interrupts is left as it is, and the
// next run takes it up: it repeats what the step needs, in order, with the
// memory as it was journalled.
func TestInterruptedJobIsResumed(t *testing.T) {
	onBench(t, func(b *bench) {
		var remembered []string
		b.plans["a"] = func(m *memo) (*job.Plan, error) {
			look := takes("look", time.Minute)
			inner := look.Do
			look.Do = func(ctx context.Context, say job.Say) (job.Outcome, error) {
				remembered = slices.Clone(m.Done)
				return inner(ctx, say)
			}
			return &job.Plan{Steps: []job.Step{
				done("enter"), again(gives("identify", job.Outcome{DeviceID: boardA.ID}), "enter"),
				again(look, "enter", "identify"), passes("end"),
			}}, nil
		}
		b.start()
		b.admit("a", bay1)
		time.Sleep(time.Second)
		was := b.job("a")
		b.end()
		b.wantDiary("a enter", "a identify", "a look", "a closed running")
		if is := b.wantState("a", job.Running); is.Version != was.Version || is.Step != "look" {
			t.Errorf("the job was left at version %d, step %s", is.Version, is.Step)
		}

		b.start()
		j := b.await("a")
		b.wantDiary("a enter", "a identify", "a look", "a end", "a closed succeeded")
		if want := []string{"enter", "identify", "enter", "identify"}; !slices.Equal(remembered, want) {
			t.Errorf("the step remembers %q, want %q", remembered, want)
		}
		if j.Resumes != 1 || j.Presence != was.Presence || len(j.Steps) != 4 {
			t.Errorf("the job is %+v", j)
		}
		want := []string{"job-admitted", "job-started", "step-done enter", "step-done identify", "job-resumed look", "step-done look", "step-done end", "job-ended"}
		if events := b.journal.events("a"); !slices.Equal(events, want) {
			t.Errorf("events %q\nwant %q", events, want)
		}
	})
}

// A write that has begun is carried to its end when the station stops; no
// further step is begun, and above all no further write.
func TestStopLetsAWriteEnd(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", writing(takes("write", time.Minute)), done("check"), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		began := time.Now()
		b.end()
		if took := time.Since(began); took != time.Minute {
			t.Errorf("the write was cut after %v", took)
		}
		b.wantDiary("a write", "a closed running")
		if j := b.job("a"); j.Step != "check" || len(j.Steps) != 1 || j.Steps[0].Failed {
			t.Errorf("the job is %+v", j)
		}
		b.start()
		b.await("a")
		b.wantDiary("a check", "a end", "a closed succeeded")
	})
}

func TestStopBeginsNoWrite(t *testing.T) {
	for name, steps := range map[string][]job.Step{
		"the first": {insists("one"), writing(done("write")), passes("end")},
		"another":   {writing(insists("one")), writing(done("write")), passes("end")},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", steps...)
				b.start()
				b.admit("a", bay1)
				synctest.Wait()
				b.end()
				b.wantDiary("a one", "a closed running")
				b.start()
				b.await("a")
				b.wantDiary("a write", "a end", "a closed succeeded")
			})
		})
	}
}

// The time limit and requests to cancel do not reach a job that had begun to
// write before it was interrupted. // P3
func TestResumedWriteHasNoLimit(t *testing.T) {
	onBench(t, func(b *bench) {
		b.config.JobLimit = 10 * time.Second
		b.script("a", takes("enter", time.Second), again(writing(takes("write", 20*time.Second)), "enter"), takes("check", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		time.Sleep(30 * time.Second)
		b.restart()
		if j := b.await("a"); j.State != job.Succeeded || j.Resumes != 1 {
			t.Errorf("the job is %+v", j)
		}
	})
}

// P3: a job that is interrupted again and again is given up, not left open.
func TestResumeLimit(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Hour))
		b.start()
		b.admit("a", bay1)
		for i := range mostResumes {
			synctest.Wait()
			if j := b.wantState("a", job.Running); j.Resumes != i {
				t.Errorf("resumed %d times, want %d", j.Resumes, i)
			}
			b.restart()
		}
		synctest.Wait()
		b.wantState("a", job.Running)
		b.wantDiary(slices.Repeat([]string{"a work", "a closed running"}, mostResumes+1)[:2*mostResumes+1]...)
		b.restart()
		j := b.await("a")
		b.wantFault(j, job.Interrupted)
		b.wantDiary("a closed running", "a closed failed")
	})
}

// A step that is repeated may fail; so does the job then.
func TestRepeatedStepThatFails(t *testing.T) {
	onBench(t, func(b *bench) {
		tries := 0
		enter := step("enter", func(context.Context, job.Say) (job.Outcome, error) {
			if tries++; tries > 1 {
				return job.Outcome{}, job.Failf(job.NoUSB, "nothing came up")
			}
			return job.Outcome{}, nil
		})
		b.script("a", enter, again(takes("work", time.Hour), "enter"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.restart()
		b.wantFault(b.await("a"), job.NoUSB)
		b.wantDiary("a enter", "a work", "a closed running", "a enter", "a closed failed")
	})
}

// A repeated step may be interrupted in its turn.
func TestRepeatedStepThatIsInterrupted(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("enter", time.Second), again(takes("work", 10*time.Second), "enter"), passes("end"))
		b.start()
		b.admit("a", bay1)
		time.Sleep(5 * time.Second)
		b.restart()
		b.restart()
		if j := b.await("a"); j.State != job.Succeeded || j.Resumes != 2 {
			t.Errorf("the job is %+v", j)
		}
	})
}

// P3: a job ends also when the program that takes it up is another one.
func TestResumeWithAnotherPlan(t *testing.T) {
	for name, test := range map[string]struct {
		plan  func(*memo) (*job.Plan, error)
		state job.State
		says  string
	}{
		"without the step": {
			func(*memo) (*job.Plan, error) { return &job.Plan{Steps: []job.Step{passes("other")}}, nil },
			job.Failed, `step "work"`,
		},
		"without a step to repeat": {
			func(*memo) (*job.Plan, error) {
				return &job.Plan{Steps: []job.Step{again(passes("work"), "enter", "nowhere")}}, nil
			},
			job.Failed, `step "enter"`,
		},
		"without any": {
			func(*memo) (*job.Plan, error) { return &job.Plan{}, nil },
			job.Failed, "step",
		},
		"with another memory": {
			func(*memo) (*job.Plan, error) {
				return &job.Plan{Steps: []job.Step{passes("work")}, Memory: new(int), Result: func() job.Result { return job.Result{} }}, nil
			},
			job.Failed, "remembers",
		},
		"that cannot be made": {
			func(*memo) (*job.Plan, error) { return nil, job.Failf(job.UnknownKind, "no such kind any more") },
			job.Rejected, "kind",
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.plans["a"] = func(*memo) (*job.Plan, error) {
					result := func() job.Result { return job.Result{Backup: "the-backup"} }
					return &job.Plan{Steps: []job.Step{done("enter"), takes("work", time.Hour)}, Result: result}, nil
				}
				b.start()
				b.admit("a", bay1)
				synctest.Wait()
				b.end()
				b.plans["a"] = test.plan
				b.start()
				j := b.await("a")
				if j.State != test.state || j.Fault == nil || !strings.Contains(j.Fault.Message, test.says) {
					t.Errorf("the job is %s, fault %+v", j.State, j.Fault)
				}
				if j.Result.Backup != "the-backup" {
					t.Errorf("the result is forgotten: %+v", j.Result)
				}
			})
		})
	}
}

// A plan may do without a memory.
func TestResumeWithoutMemory(t *testing.T) {
	onBench(t, func(b *bench) {
		plain := b.config.Recipes
		b.config.Recipes = func(j job.Job) (*job.Plan, error) {
			plan, err := plain(j)
			plan.Memory, plan.Close = nil, nil
			return plan, err
		}
		b.script("a", takes("work", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.restart()
		if j := b.await("a"); j.State != job.Succeeded {
			t.Errorf("the job is %s, fault %+v", j.State, j.Fault)
		}
	})
}

// A plan without steps is a mistake of its recipe, not the end of the station.
func TestPlanWithoutSteps(t *testing.T) {
	onBench(t, func(b *bench) {
		b.plans["a"] = func(*memo) (*job.Plan, error) { return &job.Plan{}, nil }
		b.start()
		b.wantFault(b.do("a"), job.Internal)
	})
}

// P5: the presence that a job began with is known after a restart, and the
// board that comes back within it is still the same.
func TestPresenceOfAResumedJob(t *testing.T) {
	for name, test := range map[string]struct {
		identified bool
		comes      []Device
		state      job.State
	}{
		"the same board":               {true, []Device{boardA}, job.Succeeded},
		"no board on the bus":          {true, nil, job.Succeeded},
		"a board that tells no id":     {true, []Device{{Port: port1}}, job.Succeeded},
		"another board":                {true, []Device{boardB}, job.Failed},
		"the same, not identified yet": {false, []Device{boardA}, job.Succeeded},
		"another, not identified yet":  {false, []Device{boardB}, job.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				identify := done("identify")
				if test.identified {
					identify = gives("identify", job.Outcome{DeviceID: boardA.ID})
				}
				b.script("a", identify, takes("look", 20*time.Second), writing(done("write")), passes("end"))
				b.start()
				b.admit("a", bay1)
				time.Sleep(time.Second)
				b.end()
				b.finder.put(test.comes...)
				b.start()
				j := b.await("a")
				b.wantState("a", test.state)
				if j.Presence != 1 {
					t.Errorf("the presence is %d", j.Presence)
				}
				if wrote := slices.Contains(b.written(), "a write"); wrote != (test.state == job.Succeeded) {
					t.Errorf("wrote: %v", wrote)
				}
				if test.state == job.Failed {
					b.wantFault(j, job.BoardChanged)
				}
			})
		})
	}
}

// An unfinished job of a bay that is not configured any more waits for its
// bay; one that has not written can be canceled.
func TestJobOfABayThatIsGone(t *testing.T) {
	onBench(t, func(b *bench) {
		for _, id := range []string{"queued", "left"} {
			b.script(id, takes("work", time.Minute), passes("end"))
		}
		b.script("writing", writing(takes("work", time.Minute)), takes("check", time.Minute), passes("end"))
		b.start()
		b.admit("writing", bay1)
		b.admit("queued", bay1)
		b.admit("left", bay1)
		synctest.Wait()
		b.end()
		all := b.config.Bays
		b.config.Bays = all[1:]
		b.start()
		time.Sleep(time.Minute)
		b.wantDiary("writing work", "writing closed running")
		if again := b.admit("queued", bay1); again.State != job.Queued {
			t.Errorf("a known job is %s", again.State)
		}
		b.wantCode(b.station.Cancel("writing"), job.TooLate)
		b.must(b.station.Cancel("queued"))
		if bays, err := b.station.Bays(); err != nil || len(bays) != 1 || bays[0].Name != bay2 {
			t.Errorf("bays %+v, %v", bays, err)
		}
		b.end()

		b.config.Bays = all
		b.start()
		b.await("left")
		b.wantState("writing", job.Succeeded)
		b.wantState("queued", job.Canceled)
		b.wantDiary("writing check", "writing end", "writing closed succeeded", "left work", "left end", "left closed succeeded")
	})
}

// Whatever the moment in which the station stops, a job comes to its end, and
// none of its steps is left out. // P3, P5
func TestStopAtAnyMoment(t *testing.T) {
	for at := range 24 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", takes("one", 2*time.Second), takes("two", 2*time.Second), writing(takes("three", 2*time.Second)), takes("four", 2*time.Second), passes("end"))
				b.start()
				b.admit("a", bay1)
				time.Sleep(time.Duration(at) * 400 * time.Millisecond)
				b.restart()
				if j := b.await("a"); j.Verdict != job.Pass {
					t.Errorf("the job is %s, fault %+v", j.State, j.Fault)
				}
				var steps []string
				for _, s := range b.job("a").Steps {
					steps = append(steps, s.Name)
				}
				if want := []string{"one", "two", "three", "four", "end"}; !slices.Equal(steps, want) {
					t.Errorf("steps %q", steps)
				}
			})
		})
	}
}
