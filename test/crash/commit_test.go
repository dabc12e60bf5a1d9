package crash_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/station"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

var errPowerCut = errors.New("the power is cut")

// cut is a journal that ends at commit number at: that one is still stored, or
// is lost, and nothing is stored after it.
type cut struct {
	station.Journal
	at    int
	lost  bool
	count int
	dead  chan struct{}
}

func (c *cut) Commit(e *job.Entry) error {
	c.count++
	if c.count < c.at || (c.count == c.at && !c.lost) {
		if err := c.Journal.Commit(e); err != nil {
			return err
		}
	}
	if c.count < c.at {
		return nil
	}
	if c.count == c.at {
		close(c.dead)
	}
	return errPowerCut
}

// mostCommits is what a restore may need from its admission to its end.
const mostCommits = 12

// The station is ended at each commit of a repair, once just behind it and
// once just before, started again, and the job comes to the one right end.
// // P1, P3, P5
func TestRepairSurvivesAPowerCutAtEachCommit(t *testing.T) {
	last := 0
	for at := 1; at <= mostCommits+1; at++ {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("commit %d lost %v", at, lost), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					if repairWithCut(t, at, lost) {
						last = max(last, at)
					}
				})
			})
		}
	}
	t.Logf("a repair takes %d commits", last)
	if last == 0 || last > mostCommits {
		t.Errorf("a repair takes %d commits, want 1 to %d", last, mostCommits)
	}
}

// repairWithCut says false when the repair was over before the cut.
func repairWithCut(t *testing.T, at int, lost bool) (reached bool) {
	r := rig.New(t, virtualduo.Config{Seed: 1, FactoryImage: true, WiFi: true})
	key := r.Commission()
	r.Keep()
	r.Lose(make([]byte, duo.PrivateKeyReserved))

	journal := &cut{at: at, lost: lost, dead: make(chan struct{})}
	r.Journal = func(j station.Journal) station.Journal {
		journal.Journal = j
		return journal
	}
	r.Start()
	request := job.Request{ID: "the-job", Kind: job.Repair, Bay: rig.Bay, Source: job.FromCommand}
	_, err := r.Daemon.Station().Admit(request)
	admitted := err == nil
	select {
	case <-journal.dead:
		reached = true
	case <-time.After(5 * time.Minute):
	}
	r.Stop()
	if fingerprint := r.Board.FirmwareFingerprint(); fingerprint != "" && fingerprint != key.Fingerprint() {
		t.Errorf("the key on the board is neither the old nor the right one")
	}

	r.Journal = nil
	r.Start()
	if !admitted { // nobody was told that it was: it may be asked for again
		r.Submit(request)
	}
	j := r.Wait("the-job")
	if j.State != job.Succeeded || j.Verdict != job.Pass {
		t.Errorf("the job is %s, verdict %s, fault %+v\n%s", j.State, j.Verdict, j.Fault, r.Log.String())
	}
	if r.Board.FirmwareFingerprint() != key.Fingerprint() {
		t.Error("the right key is not on the board")
	}
	if _, err := r.Store.Record(j.Result.Backup); err != nil {
		t.Errorf("the backup of the job is not there: %v", err)
	}
	version := j.Version
	time.Sleep(time.Minute)
	if again := r.Submit(request); again.Version != version || again.State != j.State {
		t.Errorf("the final state has changed from %+v to %+v", j, again)
	}
	return reached
}
