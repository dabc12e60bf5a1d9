package station

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

func TestCancelWaitingJob(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		b.admit("b", bay1)
		b.admit("c", bay1)
		synctest.Wait()
		b.must(b.station.Cancel("b"))
		j := b.wantState("b", job.Canceled)
		if j.Version != 2 || j.Verdict != "" || j.Ended == nil || j.Started != nil {
			t.Errorf("the job is %+v", j)
		}
		if events := b.journal.events("b"); !slices.Equal(events, []string{"job-admitted", "job-ended"}) {
			t.Errorf("events %q", events)
		}
		b.await("c")
		b.wantDiary("a work", "a end", "a closed succeeded", "c work", "c closed succeeded")
	})
}

// A step that runs is told to give up, and the end is on the disk before
// anybody hears of it. // P5
func TestCancelRunningJob(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", done("one"), takes("two", time.Hour), passes("end"))
		b.start()
		b.admit("a", bay1)
		b.admit("b", bay1)
		synctest.Wait()
		b.must(b.station.Cancel("a"))
		j := b.wantState("a", job.Canceled)
		if j.Verdict != "" || j.Fault != nil || len(j.Steps) != 1 {
			t.Errorf("the job is %+v", j)
		}
		b.await("b")
		b.wantDiary("a one", "a two", "a closed canceled", "b work", "b closed succeeded")
	})
}

// P3: a cancellation that is accepted holds, whatever the step makes of it.
func TestCancelStepThatDoesNotListen(t *testing.T) {
	saved := job.Outcome{Records: []job.KeyRecord{{Info: job.RecordInfo{DeviceID: "x"}}}, Audit: []job.AuditNote{{Who: "me"}}}
	for name, test := range map[string]struct {
		steps   []job.Step
		records int
	}{
		"the next step only looks": {[]job.Step{slowly(done("one")), done("two"), passes("end")}, 0},
		"the next step writes":     {[]job.Step{slowly(gives("one", saved)), writing(done("two")), passes("end")}, 1},
		"the job ends":             {[]job.Step{slowly(passes("one"))}, 0},
		"it fails":                 {[]job.Step{slowly(fails("one", job.Failf(job.NoUSB, "nothing")))}, 0},
		"it jumps to nowhere":      {[]job.Step{slowly(goesOn(gives("one", saved), "nowhere"))}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", test.steps...)
				b.start()
				b.admit("a", bay1)
				synctest.Wait()
				b.must(b.station.Cancel("a"))
				b.wantState("a", job.Canceled)
				b.wantDiary("a one", "a closed canceled")
				records := 0
				for _, e := range b.journal.entriesOf("a") {
					records += len(e.Records)
				}
				if records != test.records {
					t.Errorf("%d records were stored, want %d", records, test.records)
				}
			})
		})
	}
}

// P3: once the write has begun, the job goes to its end.
func TestCancelTooLate(t *testing.T) {
	for _, at := range []string{"write", "check"} {
		t.Run(at, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", done("look"), writing(takes("write", time.Minute)), takes("check", time.Minute), passes("end"))
				b.start()
				b.admit("a", bay1)
				synctest.Wait()
				if at == "check" {
					time.Sleep(90 * time.Second)
				}
				if j := b.wantState("a", job.Running); j.Step != at {
					t.Fatalf("the job is at step %s", j.Step)
				}
				b.wantCode(b.station.Cancel("a"), job.TooLate)
				if j := b.await("a"); j.Verdict != job.Pass || !j.Wrote {
					t.Errorf("the job is %+v", j)
				}
			})
		})
	}
}

func TestCancelWhatIsOver(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.wantCode(b.station.Cancel("a"), job.UnknownJob)
		b.do("a")
		b.wantCode(b.station.Cancel("a"), job.TooLate)
		b.script("c", takes("work", time.Hour))
		b.admit("c", bay1)
		synctest.Wait()
		b.must(b.station.Cancel("c"))
		b.wantCode(b.station.Cancel("c"), job.TooLate)
	})
}

// A job that its worker has taken and not looked at yet is canceled before
// its first step.
func TestCancelBetweenQueueAndWalk(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		goOn := make(chan struct{})
		b.journal.beforeReads(func(number int) error {
			if number == 2 { // the first is of Admit, the second of the worker
				<-goOn
			}
			return nil
		})
		b.admit("a", bay1)
		synctest.Wait()
		canceled := make(chan error)
		go func() { canceled <- b.station.Cancel("a") }()
		synctest.Wait()
		close(goOn)
		b.must(<-canceled)
		b.wantState("a", job.Canceled)
		b.wantDiary("a closed canceled")
	})
}

// P3: whatever entry is on its way when a job is canceled, what Cancel says is
// what becomes of the job.
func TestCancelAtEachCommit(t *testing.T) {
	for number, accepted := range map[int]bool{2: true, 3: true, 4: false, 5: false, 6: false} {
		onBench(t, func(b *bench) {
			b.script("a", done("one"), done("two"), writing(done("three")), passes("end"))
			canceled := make(chan error, 1)
			b.journal.beforeCommits(func(n int, _ *job.Entry) error {
				if n == number {
					go func() { canceled <- b.station.Cancel("a") }()
					time.Sleep(time.Second)
				}
				return nil
			})
			b.start()
			b.admit("a", bay1)
			err := <-canceled
			j := b.await("a")
			if accepted != (err == nil) || accepted != (j.State == job.Canceled) {
				t.Errorf("commit %d: Cancel says %v, the job is %s", number, err, j.State)
			}
			if err != nil {
				b.wantCode(err, job.TooLate)
			}
		})
	}
}

// P5: a cancellation that was accepted is still known after the station was
// stopped at once.
func TestCancelThenStop(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", insists("one"), writing(done("write")), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		canceled := make(chan error)
		go func() { canceled <- b.station.Cancel("a") }()
		synctest.Wait()
		b.stop()
		b.must(<-canceled)
		b.restart()
		time.Sleep(time.Minute)
		b.wantState("a", job.Canceled)
		b.wantDiary("a one", "a closed canceled")
	})
}

// A job that the end of the station breaks off is past canceling until the
// next start.
func TestStopThenCancel(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", insists("one"), insists("two"), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.end()
		b.wantCode(b.station.Cancel("a"), job.TooLate)
		b.start()
		b.must(b.station.Cancel("a"))
		b.wantState("a", job.Canceled)
	})
}

// P3: a job that was interrupted in its write is resumed, and cannot be
// canceled before that either.
func TestCancelInterruptedWrite(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", done("look"), writing(done("write")), takes("check", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.end()
		if j := b.wantState("a", job.Running); !j.Wrote {
			t.Fatal("the job has not written")
		}

		var err error
		b.station, err = New(b.config) // it answers before it works
		b.must(err)
		b.wantCode(b.station.Cancel("a"), job.TooLate)

		b.journal.beforeReads(func(number int) error {
			if number == 1 {
				go func() { b.wantCode(b.station.Cancel("a"), job.TooLate) }()
				time.Sleep(time.Second)
			}
			return nil
		})
		b.start()
		time.Sleep(2 * time.Minute)
		b.wantState("a", job.Succeeded)
	})
}

// An interrupted job that has not written can be canceled before it is taken
// up again.
func TestCancelInterruptedLook(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("look", time.Hour), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.end()
		var err error
		b.station, err = New(b.config)
		b.must(err)
		b.must(b.station.Cancel("a"))
		b.start()
		time.Sleep(time.Minute)
		b.wantState("a", job.Canceled)
		b.wantDiary("a look", "a closed running")
	})
}

func TestConcurrentCancels(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", insists("work"), passes("end"))
		b.start()
		b.admit("a", bay1)
		b.admit("b", bay1)
		synctest.Wait()
		var asking sync.WaitGroup
		for _, id := range []string{"a", "b"} {
			for range 10 {
				asking.Go(func() {
					if err := b.station.Cancel(id); err != nil {
						b.wantCode(err, job.TooLate)
					}
				})
			}
		}
		asking.Wait()
		b.wantState("a", job.Canceled)
		b.wantState("b", job.Canceled)
	})
}

// A waiting job whose end cannot be stored goes on waiting. // P3
func TestCancelThatIsNotStored(t *testing.T) {
	for _, fault := range []error{errDisk, errUnsure} {
		t.Run(fault.Error(), func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", takes("work", time.Minute), passes("end"))
				b.start()
				b.admit("a", bay1)
				b.admit("b", bay1)
				b.admit("c", bay1)
				synctest.Wait()
				b.journal.beforeCommits(func(int, *job.Entry) error { return fault })
				b.wantCode(b.station.Cancel("b"), job.StoreFailed)
				b.journal.beforeCommits(nil)
				b.await("c")
				if errors.Is(fault, errUnsure) {
					b.wantState("b", job.Canceled)
					b.wantDiary("a work", "a end", "a closed succeeded", "c work", "c closed succeeded")
					return
				}
				b.wantState("b", job.Succeeded)
				b.wantDiary("a work", "a end", "a closed succeeded", "b work", "b closed succeeded", "c work", "c closed succeeded")
			})
		})
	}
}

// The end of a running job is not acknowledged when it cannot be stored. // P5
func TestCancelRunningThatIsNotStored(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Hour), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.journal.beforeCommits(func(int, *job.Entry) error { return errDisk })
		b.wantCode(b.station.Cancel("a"), job.StoreFailed)
		b.wantState("a", job.Running)
		b.wantDiary("a work", "a closed running")
	})
}

// A job whose first step writes is no other. // P3
func TestCancelJobThatBeginsToWriteAtOnce(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", writing(takes("write", time.Minute)), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		if j := b.job("a"); !j.Wrote {
			t.Errorf("it is not journalled that the job writes: %+v", j)
		}
		b.wantCode(b.station.Cancel("a"), job.TooLate)
		if j := b.await("a"); j.State != job.Succeeded {
			t.Errorf("the job is %+v", j)
		}
	})
}
