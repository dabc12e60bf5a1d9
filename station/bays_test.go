package station

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

func TestBays(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), gives("end", job.Outcome{End: &job.Ending{Proof: job.Awaited}}))
		b.finder.put(boardA)
		b.start()
		one, two := b.bays()
		if one != (Status{Name: bay1, Port: port1, Occupied: true, Device: "Duo", DeviceID: "board-a", Presence: 1}) {
			t.Errorf("bay 1 is %+v", one)
		}
		if two != (Status{Name: bay2, Port: port2}) {
			t.Errorf("bay 2 is %+v", two)
		}

		b.admit("a", bay1)
		synctest.Wait()
		one, _ = b.bays()
		if one.Running != "a" || one.Waiting != 0 || one.Last.State != job.Running {
			t.Errorf("at work, bay 1 is %+v, last %+v", one, one.Last)
		}
		b.admit("b", bay1)
		one, _ = b.bays()
		if one.Running != "a" || one.Waiting != 1 || one.Last.ID != "b" {
			t.Errorf("at work, bay 1 is %+v, last %+v", one, one.Last)
		}
		b.await("a")
		b.await("b")
		b.finder.put()
		time.Sleep(time.Second)
		one, two = b.bays()
		if one.Running != "" || one.Waiting != 0 || one.Last.ID != "b" || one.Occupied || one.Device != "" || one.DeviceID != "" || one.Presence != 1 {
			t.Errorf("at last, bay 1 is %+v, last %+v", one, one.Last)
		}
		if two.Last != nil {
			t.Errorf("at last, bay 2 is %+v", two)
		}
	})
}

func (b *bench) bays() (one, two Status) {
	b.t.Helper()
	all, err := b.station.Bays()
	b.must(err)
	if len(all) != 2 {
		b.t.Fatalf("bays %+v", all)
	}
	return all[0], all[1]
}

func TestBaysTellTrouble(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.finder.put(boardA, boardB, boardC)
		time.Sleep(time.Second)
		one, two := b.bays()
		if !strings.Contains(one.Trouble, port1) || two.Trouble != "" {
			t.Errorf("the troubles are %q and %q", one.Trouble, two.Trouble)
		}
		b.finder.put(boardA, boardC)
		time.Sleep(time.Second)
		if one, _ := b.bays(); one.Trouble != "" {
			t.Errorf("the trouble is still %q", one.Trouble)
		}
	})
}

func TestBaysWithoutReadableJournal(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.do("a")
		b.journal.beforeReads(func(int) error { return errDisk })
		if _, err := b.station.Bays(); !errors.Is(err, errDisk) {
			t.Errorf("the error is %v", err)
		}
		b.station.Journal = brokenJournal{memoryJournal: b.journal, bay: errDisk}
		if _, err := b.station.Bays(); !errors.Is(err, errDisk) {
			t.Errorf("the error is %v", err)
		}
	})
}

// A bus that cannot be looked at is trouble of every bay, but not at once: a
// look may fail while a device comes or goes.
func TestBaysTellOfTheBus(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		b.finder.atLooks(func() error { return errPlain })
		time.Sleep(settleTime)
		if one, _ := b.bays(); one.Trouble != "" {
			t.Errorf("it is trouble at once: %q", one.Trouble)
		}
		time.Sleep(2 * pollTime)
		one, two := b.bays()
		if !strings.Contains(one.Trouble, errPlain.Error()) || one.Trouble != two.Trouble {
			t.Errorf("the troubles are %q and %q", one.Trouble, two.Trouble)
		}
		b.finder.put(boardA, boardB)
		b.finder.atLooks(nil)
		time.Sleep(2 * pollTime)
		if one, two := b.bays(); !strings.Contains(one.Trouble, port1) || two.Trouble != "" {
			t.Errorf("then the troubles are %q and %q", one.Trouble, two.Trouble)
		}
	})
}

// The job that says something about the board in the bay: it is over, it was
// not rejected, and the board is there.
func TestBaysTellTheVerdict(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("fails", takes("look", time.Minute), fails("work", job.Failf(job.KeyDamaged, "damaged")))
		b.script("rejected", fails("work", job.Failf(job.NoSoundRecord, "nothing to write")))
		b.plans["refused"] = func(*memo) (*job.Plan, error) { return nil, job.Failf(job.UnknownRecord, "no such record") }
		b.script("canceled", takes("work", time.Hour))
		want := func(id string) {
			t.Helper()
			got := ""
			if one, _ := b.bays(); one.Judged != nil {
				got = one.Judged.ID
			}
			if got != id {
				t.Errorf("job %q says something about the board, want %q", got, id)
			}
		}
		b.start()
		want("")
		b.admit("fails", bay1)
		time.Sleep(time.Second)
		want("")
		b.await("fails")
		want("fails")
		b.do("rejected")
		b.do("refused")
		want("fails")
		time.Sleep(time.Second)
		b.away(9*time.Second, boardA)
		time.Sleep(time.Second)
		want("fails")
		b.finder.put()
		time.Sleep(11 * time.Second)
		want("")
		b.finder.put(boardA)
		time.Sleep(time.Second)
		want("")
		b.do("passes")
		want("passes")
		b.restart()
		want("passes")
		b.admit("canceled", bay1)
		b.admit("waits", bay1)
		synctest.Wait()
		b.must(b.station.Cancel("waits"))
		want("passes")
		b.must(b.station.Cancel("canceled"))
		want("canceled")
		b.do("again")
		b.finder.put(boardB)
		time.Sleep(time.Second)
		want("")
	})
}

// Nobody has seen a board taken out that never was on the bus: what a job says
// of it holds until a board comes.
func TestVerdictOnADeadBoard(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", fails("work", job.Failf(job.NoUSB, "nothing came up")))
		b.finder.put()
		b.start()
		b.do("a")
		time.Sleep(time.Hour)
		if one, _ := b.bays(); one.Judged == nil || one.Judged.ID != "a" {
			t.Errorf("after an hour the bay is %+v", one)
		}
		b.finder.put(boardA)
		time.Sleep(time.Second)
		if one, _ := b.bays(); one.Judged != nil {
			t.Errorf("a board has come, job %s still holds", one.Judged.ID)
		}
	})
}
