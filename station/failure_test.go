package station

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// When the journal fails, nothing more is done with the board: no step, no
// end, and the plan is closed as one that will be taken up. The bay takes no
// more work; the others go on. // P1, P3, P5
func TestJournalFailure(t *testing.T) {
	steps := []job.Step{done("one"), writing(done("two")), done("three"), passes("four")}
	diaries := [][]string{
		2: {"a closed running"},
		3: {"a one", "a closed running"},
		4: {"a one", "a two", "a closed running"},
		5: {"a one", "a two", "a three", "a closed running"},
		6: {"a one", "a two", "a three", "a four", "a closed running"},
	}
	for _, fault := range []error{errDisk, errUnsure} {
		for number := 2; number < len(diaries); number++ {
			t.Run(fmt.Sprintf("%v at commit %d", fault, number), func(t *testing.T) {
				onBench(t, func(b *bench) {
					b.script("a", steps...)
					b.journal.beforeCommits(func(n int, _ *job.Entry) error {
						if n == number {
							return fault
						}
						return nil
					})
					b.start()
					b.admit("a", bay1)
					time.Sleep(time.Minute)
					b.wantDiary(diaries[number]...)

					_, err := b.station.Admit(request("b", bay1))
					b.wantCode(err, job.StoreFailed)
					b.admit("c", bay2)
					b.await("c")
					b.wantDiary("c work", "c closed succeeded")
					if trouble := b.station.bays[0].status().Trouble; !strings.Contains(trouble, fault.Error()) {
						t.Errorf("the trouble of the bay is %q", trouble)
					}

					b.restart()
					if j := b.await("a"); j.Verdict != job.Pass {
						t.Errorf("behind a restart, the job is %s, fault %+v", j.State, j.Fault)
					}
					b.admit("b", bay1)
					b.await("b")
				})
			})
		}
	}
}

// The same at the entry that says that a job is taken up. // P3
func TestJournalFailureAtResume(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.end()
		b.journal.beforeCommits(func(int, *job.Entry) error { return errDisk })
		b.start()
		time.Sleep(2 * time.Minute)
		b.wantDiary("a work", "a closed running", "a closed running")
		b.journal.beforeCommits(nil)
		b.restart()
		if j := b.await("a"); j.State != job.Succeeded || j.Resumes != 1 {
			t.Errorf("the job is %s, resumed %d times", j.State, j.Resumes)
		}
	})
}

// Jobs that wait in a bay when it breaks down are kept for the next start, and
// can be canceled. // P3
func TestQueueOfABrokenBay(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		b.start()
		b.admit("a", bay1)
		b.admit("b", bay1)
		b.admit("c", bay1)
		synctest.Wait()
		b.journal.beforeCommits(func(int, *job.Entry) error { return errDisk })
		time.Sleep(2 * time.Minute)
		b.journal.beforeCommits(nil)
		b.wantDiary("a work", "a closed running")
		if j := b.admit("b", bay1); j.State != job.Queued {
			t.Errorf("the known job is %s", j.State)
		}
		b.must(b.station.Cancel("b"))
		b.wantCode(b.station.Cancel("a"), job.TooLate)
		b.wantState("a", job.Running)
		b.restart()
		b.await("c")
		b.wantDiary("a work", "a end", "a closed succeeded", "c work", "c closed succeeded")
	})
}

// A job that its worker cannot read is left alone.
func TestJobThatCannotBeRead(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.journal.beforeReads(func(number int) error {
			if number == 2 { // the first is of Admit
				return errDisk
			}
			return nil
		})
		b.admit("a", bay1)
		time.Sleep(time.Minute)
		b.wantState("a", job.Queued)
		b.wantDiary()
		_, err := b.station.Admit(request("b", bay1))
		b.wantCode(err, job.StoreFailed)
		b.restart()
		b.await("a")
	})
}

// A bus that cannot be looked at fails the job that needs it, and not the
// station.
func TestBusFailure(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.finder.atLooks(func() error { return errPlain })
		j := b.do("a")
		b.wantFault(j, job.USBFailed)
		b.wantDiary("a closed failed")
		time.Sleep(time.Minute)
		if n := strings.Count(b.log.String(), "cannot be looked at"); n != 1 {
			t.Errorf("the log tells it %d times", n)
		}
		b.finder.atLooks(nil)
		if j := b.do("b"); j.State != job.Succeeded {
			t.Errorf("the job is %s", j.State)
		}
	})
}
