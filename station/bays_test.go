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
