package station

import (
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// remote is a request from elsewhere that holds for an hour.
func remote(id, bay string) job.Request {
	until := time.Now().Add(time.Hour)
	r := request(id, bay)
	r.Source, r.NotAfter, r.Extra = job.FromMQTT, &until, map[string]json.RawMessage{"operator": json.RawMessage(`"jane"`)}
	return r
}

// onRemoteBench runs a test with a station that is running and knows the time.
func onRemoteBench(t *testing.T, test func(*bench)) {
	t.Helper()
	onBench(t, func(b *bench) {
		b.config.Clock.Synchronised = func() bool { return true }
		b.start()
		test(b)
	})
}

// ask admits a request from elsewhere, and wants a ruling with a fault or none.
func (b *bench) ask(r job.Request, refusal error, ruling job.Ruling, code job.Code) *job.Job {
	b.t.Helper()
	answer, j, err := b.station.AdmitRemote(r, refusal)
	b.must(err)
	if answer.To != job.AskedJob || answer.ID != r.ID || answer.Ruling != ruling || answer.At.At.IsZero() ||
		(answer.Fault == nil) != (code == "") || answer.Fault != nil && answer.Fault.Code != code {
		b.t.Errorf("the answer is %+v, fault %+v, want %s %s", answer, answer.Fault, ruling, code)
	}
	return j
}

// P3, P5: it runs once, and who asks again is told what became of it.
func TestRemoteRequestRunsOnce(t *testing.T) {
	onRemoteBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		r := remote("a", bay1)
		j := b.ask(r, nil, job.Accepted, "")
		if found, _, ok, _ := b.journal.Job("a"); !ok || found.State != job.Queued || string(j.Extra["operator"]) != `"jane"` {
			t.Errorf("accepted %+v, the journal has %+v", j, found)
		}
		synctest.Wait()
		if j := b.ask(r, nil, job.Known, ""); j.State != job.Running {
			t.Errorf("in the middle of it, the job is %s", j.State)
		}
		b.await("a")
		b.restart()
		time.Sleep(2 * time.Hour) // it is known still when it would be too late
		if j := b.ask(r, errPlain, job.Known, ""); j.State != job.Succeeded {
			t.Errorf("behind its end, the job is %s", j.State)
		}
		b.wantDiary("a work", "a end", "a closed succeeded")
	})
}

// P3: another request under a known id touches nothing, neither that of a job
// nor that of a rejection.
func TestRemoteIDInUse(t *testing.T) {
	changes := map[string]func(*job.Request){
		"kind":      func(r *job.Request) { r.Kind = job.Repair },
		"bay":       func(r *job.Request) { r.Bay = bay2 },
		"option":    func(r *job.Request) { r.Options.DeviceID = "another" },
		"not_after": func(r *job.Request) { later := r.NotAfter.Add(time.Second); r.NotAfter = &later },
		"extra":     func(r *job.Request) { r.Extra = nil },
		"no kind":   func(r *job.Request) { r.Kind = "polish" },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			onRemoteBench(t, func(b *bench) {
				done, rejected := remote("a", bay1), remote("b", bay1)
				b.ask(done, nil, job.Accepted, "")
				b.await("a")
				b.ask(rejected, job.Failf(job.NotAllowed, "no"), job.Refused, job.NotAllowed)
				commits := b.journal.committed()
				for _, r := range []job.Request{done, rejected} {
					changed := r
					change(&changed)
					if j := b.ask(changed, nil, job.Refused, job.IDInUse); j != nil {
						t.Errorf("%s: another request is told %+v", r.ID, j)
					}
				}
				if b.journal.committed() != commits {
					t.Error("something was journalled")
				}
				b.ask(done, nil, job.Known, "")
				b.ask(rejected, nil, job.Known, job.NotAllowed)
				b.wantDiary("a work", "a closed succeeded")
			})
		})
	}
}

// P3: what is refused for good spends its id and is remembered; it runs never,
// and no bay remembers it.
func TestRemoteRejection(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*job.Request)
		refusal error
		code    job.Code
	}{
		"no time":            {func(r *job.Request) { r.NotAfter = nil }, nil, job.NoExpiry},
		"too late":           {func(r *job.Request) { past := time.Now().Add(-1); r.NotAfter = &past }, nil, job.Expired},
		"unknown bay":        {func(r *job.Request) { r.Bay = "bay-9" }, nil, job.UnknownBay},
		"unknown kind":       {func(r *job.Request) { r.Kind = "polish" }, nil, job.UnknownKind},
		"option of others":   {func(r *job.Request) { r.Options.Record = "some" }, nil, job.BadRequest},
		"not allowed":        {func(*job.Request) {}, job.Failf(job.NotAllowed, "unsigned"), job.NotAllowed},
		"not allowed, later": {func(r *job.Request) { r.NotAfter = nil }, job.Failf(job.NotAllowed, "unsigned"), job.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			onRemoteBench(t, func(b *bench) {
				r := remote("a", bay1)
				c.change(&r)
				j := b.ask(r, c.refusal, job.Refused, c.code)
				if j == nil || j.State != job.Rejected || j.Fault.Code != c.code || j.Ended == nil {
					t.Fatalf("it is told %+v", j)
				}
				stored := b.job("a")
				if stored.State != job.Rejected || stored.Fault.Code != c.code || !reflect.DeepEqual(b.journal.events("a"), []string{"job-rejected"}) {
					t.Errorf("the journal has %+v, events %q", stored, b.journal.events("a"))
				}
				b.restart()
				if again := b.ask(r, nil, job.Known, c.code); again.State != job.Rejected {
					t.Errorf("asked again, it is %s", again.State)
				}
				time.Sleep(time.Hour)
				b.wantDiary()
				if _, last, _ := b.journal.Bay(r.Bay); last != "" {
					t.Errorf("bay %s remembers job %s", r.Bay, last)
				}
			})
		})
	}
}

// Where the station is to blame, and where nothing can be kept, the id is free.
func TestRemoteRefusalThatSpendsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		before  func(*bench, *job.Request)
		refusal error
		code    job.Code
	}{
		"clock not set":   {func(b *bench, _ *job.Request) { b.station.Clock.Synchronised = nil }, nil, job.ClockUntrusted},
		"bay is broken":   {func(b *bench, _ *job.Request) { b.station.bays[0].breakDown(errDisk) }, nil, job.StoreFailed},
		"station's fault": {func(*bench, *job.Request) {}, job.Failf(job.OutboxFull, "later"), job.OutboxFull},
		"cannot be read":  {func(_ *bench, r *job.Request) { *r = job.Request{ID: "a"} }, job.Failf(job.BadSignature, "no"), job.BadSignature},
		"no id":           {func(_ *bench, r *job.Request) { r.ID = "" }, nil, job.BadRequest},
		"no name":         {func(_ *bench, r *job.Request) { r.Kind = "no name" }, nil, job.BadRequest},
		"no bay's name":   {func(_ *bench, r *job.Request) { r.Bay = "" }, nil, job.BadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			onRemoteBench(t, func(b *bench) {
				r := remote("a", bay1)
				good := r
				c.before(b, &r)
				if j := b.ask(r, c.refusal, job.Refused, c.code); j != nil || b.journal.committed() > 0 {
					t.Errorf("it is told %+v, after %d commits", j, b.journal.committed())
				}
				b.restart()
				b.ask(good, nil, job.Accepted, "")
				b.await("a")
			})
		})
	}
}

// P3, P5: what could not be stored is not answered, and runs once when it comes
// again; a refusal is one refusal then.
func TestRemoteRequestThatIsNotStored(t *testing.T) {
	for _, fault := range []error{errDisk, errUnsure} {
		for name, refusal := range map[string]error{"accepted": nil, "rejected": job.Failf(job.NotAllowed, "no")} {
			t.Run(fault.Error()+" "+name, func(t *testing.T) {
				onRemoteBench(t, func(b *bench) {
					b.journal.beforeCommits(func(number int, _ *job.Entry) error {
						if number == 1 {
							return fault
						}
						return nil
					})
					r := remote("a", bay1)
					if answer, j, err := b.station.AdmitRemote(r, refusal); !errors.Is(err, fault) || j != nil || answer.Ruling != "" {
						t.Errorf("%+v, %+v, %v", answer, j, err)
					}
					for range 2 {
						if _, _, err := b.station.AdmitRemote(r, refusal); err != nil {
							t.Error(err)
						}
					}
					b.await("a")
					if refusal == nil {
						b.wantDiary("a work", "a closed succeeded")
					} else {
						b.wantDiary()
					}
				})
			})
		}
	}
}

func TestRemoteWithoutReadableJournal(t *testing.T) {
	onRemoteBench(t, func(b *bench) {
		b.journal.beforeReads(func(int) error { return errDisk })
		_, _, err := b.station.AdmitRemote(remote("a", bay1), nil)
		b.wantCode(err, job.StoreFailed)
		_, err = b.station.CancelRemote("a")
		b.wantCode(err, job.StoreFailed)
	})
}

// P3: a request that comes many times at once is accepted once.
func TestConcurrentRemoteRequests(t *testing.T) {
	onRemoteBench(t, func(b *bench) {
		r := remote("a", bay1)
		rulings := make([]job.Ruling, 20)
		var asking sync.WaitGroup
		for i := range rulings {
			asking.Go(func() {
				answer, _, err := b.station.AdmitRemote(r, nil)
				if err != nil {
					t.Error(err)
				}
				rulings[i] = answer.Ruling
			})
		}
		asking.Wait()
		count := map[job.Ruling]int{}
		for _, ruling := range rulings {
			count[ruling]++
		}
		if count[job.Accepted] != 1 || count[job.Known] != len(rulings)-1 {
			t.Errorf("the rulings are %v", count)
		}
		b.await("a")
		b.wantDiary("a work", "a closed succeeded")
	})
}

// A request from here that says until when it holds is held to it.
func TestLocalRequestWithATime(t *testing.T) {
	onRemoteBench(t, func(b *bench) {
		r := remote("a", bay1)
		past := time.Now().Add(-time.Second)
		r.NotAfter = &past
		_, err := b.station.Admit(r)
		b.wantCode(err, job.Expired)
		if b.journal.committed() > 0 {
			t.Error("something was journalled")
		}
	})
}

// Cancel is negotiated: while a job waits or has not begun to write it is
// accepted, however often it is asked for, and later refused. // P3
func TestCancelRemote(t *testing.T) {
	onRemoteBench(t, func(b *bench) {
		cancel := func(id string, ruling job.Ruling, code job.Code) {
			t.Helper()
			answer, err := b.station.CancelRemote(id)
			b.must(err)
			if answer.To != job.AskedCancel || answer.Ruling != ruling || answer.At.At.IsZero() ||
				(answer.Fault == nil) != (code == "") || answer.Fault != nil && answer.Fault.Code != code {
				t.Errorf("canceling %s: %+v, fault %+v, want %s %s", id, answer, answer.Fault, ruling, code)
			}
		}
		b.script("runs", takes("look", time.Minute), passes("end"))
		b.script("writes", done("look"), writing(insists("write")), passes("end"))
		for _, id := range []string{"runs", "writes", "waits"} {
			b.ask(remote(id, bay1), nil, job.Accepted, "")
		}
		synctest.Wait()
		for _, id := range []string{"runs", "waits"} {
			cancel(id, job.Accepted, "")
			cancel(id, job.Known, "")
			b.wantState(id, job.Canceled)
		}
		synctest.Wait()
		cancel("writes", job.Refused, job.TooLate)
		b.await("writes")
		cancel("writes", job.Refused, job.TooLate)
		b.wantState("writes", job.Succeeded)
		cancel("never", job.Refused, job.UnknownJob)
		cancel("../never", job.Refused, job.UnknownJob)
		if answer, err := b.station.CancelRemote("../never"); err != nil || answer.ID != "" {
			t.Errorf("%+v, %v", answer, err)
		}
	})
}

// A cancellation that could not be stored is not answered.
func TestCancelRemoteThatIsNotStored(t *testing.T) {
	onRemoteBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		b.ask(remote("a", bay1), nil, job.Accepted, "")
		b.ask(remote("b", bay1), nil, job.Accepted, "")
		synctest.Wait()
		b.journal.beforeCommits(func(int, *job.Entry) error { return errDisk })
		_, err := b.station.CancelRemote("b")
		b.wantCode(err, job.StoreFailed)
		b.journal.beforeCommits(nil)
		b.await("b")
	})
}
