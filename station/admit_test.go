package station

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// P5: a job is on the disk before anybody hears that it was accepted, and
// nothing is done for it before.
func TestAdmissionIsJournalledFirst(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.journal.beforeCommits(func(number int, e *job.Entry) error {
			if number == 1 && (e.Job.State != job.Queued || len(b.written()) > 0 || b.station.bays[0].status().Waiting > 0) {
				t.Errorf("the first commit is of %+v, after %q", e.Job, b.written())
			}
			return nil
		})
		updates, stop := b.station.Watch("a")
		defer stop()
		j := b.admit("a", bay1)
		if found, _, ok, _ := b.journal.Job("a"); !ok || found.Admitted != j.Admitted {
			t.Errorf("accepted %+v, the journal has %+v", j, found)
		}
		if j.State != job.Queued || j.Version != 1 || !reflect.DeepEqual(j.Request, request("a", bay1)) || j.Presence != 1 {
			t.Errorf("accepted %+v", j)
		}
		if first := <-updates; first.Job.State != job.Queued {
			t.Errorf("the first news is %+v", first.Job)
		}
		b.await("a")
	})
}

// P3, P5: what could not be stored was not admitted. Whether it was stored or
// not, it runs once if it is asked for again.
func TestAdmissionThatIsNotStored(t *testing.T) {
	for _, fault := range []error{errDisk, errUnsure} {
		t.Run(fault.Error(), func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.start()
				b.journal.beforeCommits(func(number int, _ *job.Entry) error {
					if number == 1 {
						return fault
					}
					return nil
				})
				_, err := b.station.Admit(request("a", bay1))
				b.wantCode(err, job.StoreFailed)
				time.Sleep(time.Minute)
				b.wantDiary()
				if _, err := b.station.Job("a"); errors.Is(fault, errDisk) {
					b.wantCode(err, job.UnknownJob)
				}

				b.admit("a", bay1)
				b.admit("a", bay1)
				if j := b.await("a"); j.State != job.Succeeded {
					t.Errorf("asked again, the job is %s", j.State)
				}
				b.admit("a", bay1)
				time.Sleep(time.Minute)
				b.wantDiary("a work", "a closed succeeded")
			})
		})
	}
}

func TestAdmissionWithoutReadableJournal(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.journal.beforeReads(func(int) error { return errDisk })
		_, err := b.station.Admit(request("a", bay1))
		b.wantCode(err, job.StoreFailed)
		b.wantCode(b.station.Cancel("a"), job.StoreFailed)
		_, err = b.station.Job("a")
		b.wantCode(err, job.StoreFailed)
		b.wantDiary()
	})
}

func TestRefusedRequests(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*job.Request)
		code   job.Code
	}{
		"unknown bay":         {func(r *job.Request) { r.Bay = "bay-9" }, job.UnknownBay},
		"no bay":              {func(r *job.Request) { r.Bay = "" }, job.UnknownBay},
		"a bay's bad name":    {func(r *job.Request) { r.Bay = "bay 1" }, job.UnknownBay},
		"unknown kind":        {func(r *job.Request) { r.Kind = "polish" }, job.UnknownKind},
		"no kind":             {func(r *job.Request) { r.Kind = "" }, job.UnknownKind},
		"a bad id":            {func(r *job.Request) { r.ID = "../a" }, job.BadRequest},
		"too long an id":      {func(r *job.Request) { r.ID = strings.Repeat("a", 65) }, job.BadRequest},
		"an option of others": {func(r *job.Request) { r.Options.Record = "some" }, job.BadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.start()
				r := request("a", bay1)
				test.change(&r)
				_, err := b.station.Admit(r)
				b.wantCode(err, test.code)
				if b.journal.committed() > 0 {
					t.Error("something was journalled")
				}
			})
		})
	}
}

func TestIDIsMade(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		first, second := b.admit("", bay1), b.admit("", bay1)
		if !job.ValidName(first.ID) || first.ID == second.ID {
			t.Errorf("made the ids %q and %q", first.ID, second.ID)
		}
		b.await(second.ID)
	})
}

// P3: a known id gets its job again, as it is by now, and starts nothing.
func TestKnownID(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		if j := b.admit("a", bay1); j.State != job.Running {
			t.Errorf("in the middle of it, the job is %s", j.State)
		}
		b.await("a")
		commits := b.journal.committed()
		b.wantDiary("a work", "a end", "a closed succeeded")

		r := request("a", bay1)
		r.Source = job.FromButton
		j, err := b.station.Admit(r)
		b.must(err)
		if j.State != job.Succeeded || j.Source != job.FromCommand {
			t.Errorf("behind its end, the job is %+v", j)
		}
		time.Sleep(time.Minute)
		b.wantDiary()
		if b.journal.committed() != commits {
			t.Error("something was journalled")
		}
	})
}

// P3: a job that waits is not put into the queue again.
func TestKnownIDThatWaits(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		b.admit("b", bay1)
		synctest.Wait()
		b.admit("b", bay1)
		if waiting := b.station.bays[0].status().Waiting; waiting != 1 {
			t.Errorf("%d jobs wait", waiting)
		}
		b.await("b")
	})
}

// P3: one id is one job.
func TestIDInUse(t *testing.T) {
	for name, change := range map[string]func(*job.Request){
		"kind":   func(r *job.Request) { r.Kind = job.Repair },
		"bay":    func(r *job.Request) { r.Bay = bay2 },
		"option": func(r *job.Request) { r.Options.DeviceID = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.start()
				b.do("a")
				r := request("a", bay1)
				change(&r)
				_, err := b.station.Admit(r)
				b.wantCode(err, job.IDInUse)
				b.wantDiary("a work", "a closed succeeded")
			})
		})
	}
}

// P3: however many ask at once, an id is admitted once.
func TestConcurrentAdmissions(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		var asking sync.WaitGroup
		errs := make([]error, 40)
		for i := range errs {
			asking.Go(func() {
				r := request("a", bay1)
				if i%4 == 0 {
					r.Kind = job.Backup
				}
				_, errs[i] = b.station.Admit(r)
			})
		}
		asking.Wait()
		kind := b.await("a").Kind
		for i, err := range errs {
			mine := job.Diagnose
			if i%4 == 0 {
				mine = job.Backup
			}
			if (err == nil) != (mine == kind) || (err != nil && !job.HasCode(err, job.IDInUse)) {
				t.Errorf("asking for a %s while a %s is admitted: %v", mine, kind, err)
			}
		}
		b.wantDiary("a work", "a closed succeeded")
		if events := b.journal.events("a"); events[0] != "job-admitted" || slices.Contains(events[1:], "job-admitted") {
			t.Errorf("events %q", events)
		}
	})
}

func TestOrderInABay(t *testing.T) {
	onBench(t, func(b *bench) {
		ids := []string{"d", "a", "c", "b"}
		var want []string
		for _, id := range ids {
			b.script(id, takes("work", time.Second), passes("end"))
			want = append(want, id+" work", id+" end", id+" closed succeeded")
		}
		b.start()
		for _, id := range ids {
			b.admit(id, bay1)
		}
		synctest.Wait()
		if status := b.station.bays[0].status(); status.Running != "d" || status.Waiting != 3 {
			t.Errorf("status %+v", status)
		}
		b.await("b")
		b.wantDiary(want...)
	})
}

// The queue of a bay outlives the station.
func TestOrderOverARestart(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Second), passes("end"))
		b.start()
		b.admit("a", bay1)
		b.admit("c", bay1)
		b.admit("b", bay1)
		synctest.Wait()
		b.restart()
		b.await("b")
		b.wantDiary("a work", "a closed running",
			"a work", "a end", "a closed succeeded",
			"c work", "c closed succeeded",
			"b work", "b closed succeeded")
	})
}

func TestBaysWorkInParallel(t *testing.T) {
	onBench(t, func(b *bench) {
		for _, id := range []string{"a", "b"} {
			b.script(id, takes("work", time.Minute), passes("end"))
		}
		b.start()
		began := time.Now()
		b.admit("a", bay1)
		b.admit("b", bay2)
		b.await("a")
		b.await("b")
		if took := time.Since(began); took > 61*time.Second {
			t.Errorf("both took %v", took)
		}
	})
}

// A station does not start on a journal that it cannot read.
func TestStartWithoutReadableJournal(t *testing.T) {
	onBench(t, func(b *bench) {
		for name, broken := range map[string]brokenJournal{
			"bays":       {memoryJournal: b.journal, bay: errDisk},
			"unfinished": {memoryJournal: b.journal, unfinished: errDisk},
		} {
			b.config.Journal = broken
			if _, err := New(b.config); !errors.Is(err, errDisk) {
				t.Errorf("%s: the error is %v", name, err)
			}
		}
	})
}

// brokenJournal cannot be read in places.
type brokenJournal struct {
	*memoryJournal
	bay, unfinished error
}

func (j brokenJournal) Bay(name string) (uint64, string, error) {
	if j.bay != nil {
		return 0, "", j.bay
	}
	return j.memoryJournal.Bay(name)
}

func (j brokenJournal) Unfinished() ([]job.Job, error) { return nil, j.unfinished }
