package station

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// A watcher that does not read does not hold up the walk, and when it reads at
// last the final state is there. // P3
func TestSlowWatcher(t *testing.T) {
	onBench(t, func(b *bench) {
		var steps []job.Step
		for i := range 100 {
			steps = append(steps, chatty(fmt.Sprint("step-", i), 10))
		}
		b.script("a", append(steps, passes("end"))...)
		b.start()
		updates, stop := b.station.Watch("a")
		defer stop()
		began := time.Now()
		j := b.do("a")
		if took := time.Since(began); took > time.Second {
			t.Errorf("the walk took %v", took)
		}
		synctest.Wait()
		if len(updates) != backlog {
			t.Errorf("%d updates wait, want %d", len(updates), backlog)
		}
		var last Update
		var version uint64
		for len(updates) > 0 {
			last = <-updates
			if last.Job != nil {
				if last.Job.Version <= version {
					t.Errorf("version %d is told behind %d", last.Job.Version, version)
				}
				version = last.Job.Version
			}
		}
		if last.Job == nil || last.Job.State != job.Succeeded || last.Job.Version != j.Version {
			t.Errorf("the last update is %+v", last)
		}
	})
}

func chatty(name string, times int) job.Step {
	return step(name, func(_ context.Context, say job.Say) (job.Outcome, error) {
		for i := range times {
			say("on the way", i, times)
		}
		return job.Outcome{}, nil
	})
}

// A watcher that keeps up hears every state, in order, and nothing of others.
func TestWatcherHearsEveryState(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("one", time.Second), takes("two", time.Second), passes("end"))
		b.script("b", takes("one", time.Second), passes("end"))
		b.start()
		updates, stop := b.station.Watch("a")
		defer stop()
		b.admit("b", bay2)
		b.admit("a", bay1)
		for version := uint64(1); ; {
			u := <-updates
			if u.jobID() != "a" {
				t.Fatalf("heard of job %s", u.jobID())
			}
			if u.Job == nil {
				continue
			}
			if u.Job.Version != version {
				t.Fatalf("heard version %d, want %d", u.Job.Version, version)
			}
			version++
			if u.Job.State.Final() {
				break
			}
		}
		b.await("b")
	})
}

func TestWatcherThatStops(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		updates, stop := b.station.Watch("a")
		others, stopOther := b.station.Watch("a")
		defer stopOther()
		stop()
		stop()
		b.do("a")
		if len(updates) != 0 || len(others) == 0 {
			t.Errorf("%d updates for the one that stopped, %d for the other", len(updates), len(others))
		}
		if n := len(b.station.watchers.all); n != 1 {
			t.Errorf("%d watchers are kept", n)
		}
	})
}

// What a watcher is told of stays as it was told.
func TestUpdatesDoNotChange(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", done("one"), done("two"), done("three"), passes("end"))
		b.start()
		updates, stop := b.station.Watch("a")
		defer stop()
		b.do("a")
		steps := 0
		for len(updates) > 0 {
			u := <-updates
			if u.Job == nil || u.Job.State == job.Queued || steps == 0 && len(u.Job.Steps) == 0 {
				continue
			}
			if steps++; len(u.Job.Steps) != steps {
				t.Errorf("version %d has %d steps, want %d", u.Job.Version, len(u.Job.Steps), steps)
			}
		}
		if steps != 4 {
			t.Errorf("%d states with steps", steps)
		}
	})
}

// The end of a job that was canceled, waiting or running, is told too.
func TestWatchersHearOfCancellation(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Hour))
		b.start()
		running, stop := b.station.Watch("a")
		defer stop()
		waiting, stopWaiting := b.station.Watch("b")
		defer stopWaiting()
		b.admit("a", bay1)
		b.admit("b", bay1)
		synctest.Wait()
		b.must(b.station.Cancel("b"))
		b.must(b.station.Cancel("a"))
		for _, updates := range []<-chan Update{running, waiting} {
			var last Update
			for len(updates) > 0 {
				last = <-updates
			}
			if last.Job == nil || last.Job.State != job.Canceled {
				t.Errorf("the last update is %+v", last)
			}
		}
	})
}
