package recipe_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/station"
	"duogateway/test/rig"
)

// at calls do once, behind the commit that intends a step.
type at struct {
	station.Journal
	step string
	do   func()
	once sync.Once
}

func (a *at) Commit(e *job.Entry) error {
	err := a.Journal.Commit(e)
	if err == nil && e.Job.Step == a.step {
		a.once.Do(a.do)
	}
	return err
}

// before lets something happen when a step is about to begin.
func before(r *rig.Rig, step string, do func()) {
	r.Journal = func(j station.Journal) station.Journal { return &at{Journal: j, step: step, do: do} }
}

// A job that is canceled, or runs out of time, before it writes leaves the
// board as it came: it runs. // P3
func TestStopBeforeTheWrite(t *testing.T) {
	t.Parallel()
	cancel := func(r *rig.Rig) func() {
		return func() {
			go func() { _ = r.Daemon.Station().Cancel("the-job") }()
			time.Sleep(time.Millisecond) // the cancellation is accepted, and waits for the step
		}
	}
	for _, test := range []struct {
		name    string
		prepare func(r *rig.Rig)
		state   job.State
	}{
		{"canceled before identify", func(r *rig.Rig) { before(r, "identify", cancel(r)) }, job.Canceled},
		{"canceled before back-up", func(r *rig.Rig) { before(r, "back-up", cancel(r)) }, job.Canceled},
		{"canceled before decide", func(r *rig.Rig) { before(r, "decide", cancel(r)) }, job.Canceled},
		{"canceled in the gesture", func(r *rig.Rig) { r.Gestures.Before = cancel(r) }, job.Canceled},
		{"out of time in the gesture", func(r *rig.Rig) { r.Gestures.Before = func() { time.Sleep(station.DefaultJobLimit) } }, job.TimedOut},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _ := kept(t)
				zeroed(r)
				was := look(r)
				test.prepare(r)
				r.Start()
				r.Submit(job.Request{ID: "the-job", Kind: job.Repair})
				time.Sleep(station.DefaultJobLimit + time.Minute)
				j := r.Wait("the-job")
				if j.State != test.state || j.Wrote || j.Verdict != "" {
					t.Errorf("the job is %s, verdict %q, fault %+v", j.State, j.Verdict, j.Fault)
				}
				was.untouched(r)
				checkStays(r, false)
			})
		})
	}
}

// A job that has begun to write is not canceled any more.
func TestCancelIsTooLateForAWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, key := kept(t)
		zeroed(r)
		late := make(chan error, 1)
		before(r, "write", func() { late <- r.Daemon.Station().Cancel("the-job") })
		r.Start()
		j := do(r, job.Request{ID: "the-job", Kind: job.Repair}, "")
		select {
		case err := <-late:
			if !job.HasCode(err, job.TooLate) {
				t.Errorf("canceling said %v", err)
			}
		default:
			t.Error("the job came to no write")
		}
		if !j.Wrote {
			t.Error("the job says that it did not write")
		}
		hasKey(r, key)
	})
}

// The board is pulled out in the middle of a job: the job says so, and once the
// board is back the next one passes. // P1
func TestUnplugged(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"identify", "back-up", "write", "read-back", "leave"} {
		t.Run(step, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, key := kept(t)
				zeroed(r)
				before(r, step, r.Board.PowerOff)
				r.Start()
				j := do(r, job.Request{Kind: job.Repair}, job.BoardLeft)
				if wrote := step == "read-back" || step == "leave"; wrote != (r.Board.FirmwareFingerprint() == key.Fingerprint()) || (wrote && !j.Wrote) {
					t.Errorf("unplugged before %s: wrote %v", step, j.Wrote)
				}
				r.Board.PowerOn()
				do(r, job.Request{Kind: job.Repair}, "")
				hasKey(r, key)
			})
		})
	}
}

// Another board is put in the place of the first, in the middle of a job or
// while the station is down: nothing is written to it, and it is not started.
// // P1
func TestSwapped(t *testing.T) {
	t.Parallel()
	other := usual
	other.Seed = 2
	for _, test := range []struct {
		step    string
		restart bool
	}{
		{"decide", false}, {"write", false}, {"read-back", false}, {"decide", true}, {"write", true}, {"read-back", true},
	} {
		t.Run(test.step+map[bool]string{true: " over a restart"}[test.restart], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := rig.NewWithSpare(t, usual, other)
				install(r, keyOf(t, 1))
				r.Must(r.Spare.WriteDCT(duo.PrivateKeyOffset, duo.ResetBlob()))
				r.Board.PowerOn()
				r.AwaitRunning()
				r.Keep()
				zeroed(r)
				swap := func() {
					r.Board.PowerOff()
					intoDFU(r, r.Spare)
				}
				if test.restart {
					r.Journal = func(j station.Journal) station.Journal { return &dying{Journal: j, step: test.step} }
				} else {
					before(r, test.step, swap)
				}
				r.Start()
				r.Submit(job.Request{ID: "the-job", Kind: job.Repair})
				if test.restart {
					time.Sleep(time.Minute)
					r.Stop()
					swap()
					r.Journal = nil
					r.Start()
				}
				j := r.Wait("the-job")
				if j.Verdict != job.Error && j.Verdict != job.Fail || j.Fault.Code != job.BoardChanged && j.Fault.Code != job.BoardLeft {
					t.Errorf("the job is %s, fault %+v", j.State, j.Fault)
				}
				time.Sleep(time.Minute)
				if product(r.Spare) != duo.ProductDFU || r.Spare.Counters().KeyGenerations != 0 {
					t.Error("the other board was started")
				}
			})
		})
	}
}

var errDead = errors.New("the power is cut")

// dying is a journal that stores nothing behind the commit that intends a step.
type dying struct {
	station.Journal
	step string
	dead bool
}

func (d *dying) Commit(e *job.Entry) error {
	if d.dead {
		return errDead
	}
	d.dead = e.Job.Step == d.step
	return d.Journal.Commit(e)
}

// The lines do not do as they should: the job says what it was, and nothing is
// written. // P2
func TestGestureTrouble(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fail []error
		code job.Code
	}{
		{"once", []error{gpio.ErrGestureFailed}, ""},
		{"twice", []error{gpio.ErrGestureFailed, gpio.ErrLines}, job.GestureFailed},
		{"busy", []error{gpio.ErrLinesBusy, gpio.ErrLinesBusy}, job.LinesBusy},
		{"held too long", []error{gpio.ErrFactoryResetPossible}, job.ResetPossible},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _ := running(t)
				was := look(r)
				r.Gestures.Fail = test.fail
				r.Start()
				do(r, job.Request{Kind: job.Repair}, test.code)
				was.untouched(r)
				checkStays(r, false)
			})
		})
	}
}

// An empty bay is told from a full one, and not in a hurry.
func TestEmptyBay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rig.New(t, usual)
		r.Start()
		began := time.Now()
		do(r, job.Request{Kind: job.Repair}, job.NoUSB)
		events, err := r.Bench.Events(context.Background())
		r.Must(err)
		for _, e := range events {
			if e.What == "reset-line" && e.At.Sub(began) < time.Minute {
				t.Errorf("RESET is %s %v after the job began", e.Detail, e.At.Sub(began))
			}
		}
	})
}

// What sits in the bay is no Duo.
func TestForeignDevice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := running(t)
		was := look(r)
		r.Bus = func(b dfu.Bus) dfu.Bus { return foreign{b} }
		r.Start()
		do(r, job.Request{Kind: job.Repair}, job.WrongBoardType)
		was.untouched(r)
		if n := r.Board.Counters().Resets; n != was.counters.Resets {
			t.Error("the board was reset")
		}
	})
}

// foreign shows another maker's device.
type foreign struct{ dfu.Bus }

func (f foreign) Attachments(ctx context.Context) ([]dfu.Attachment, error) {
	all, err := f.Bus.Attachments(ctx)
	for i := range all {
		all[i].Vendor = 0x0483
	}
	return all, err
}
