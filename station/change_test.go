package station

import (
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// rang tells whether a bell has rung since it was asked last.
func rang(bell <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-bell:
		return true
	default:
		return false
	}
}

// Everything that changes what Bays tells rings, and nothing rings while
// nothing changes.
func TestChanges(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", takes("work", time.Minute), passes("end"))
		b.start()
		time.Sleep(time.Second)
		bell, stop := b.station.Changes()
		defer stop()
		for _, change := range []struct {
			what string
			make func()
		}{
			{"a second device", func() { b.finder.put(boardA, boardB, boardC) }},
			{"one less", func() { b.finder.put(boardA, boardC) }},
			{"another board", func() { b.finder.put(boardB, boardC) }},
			{"another device", func() { b.finder.put(Device{Port: port1, Name: "Duo in DFU mode"}, boardC) }},
			{"none", func() { b.finder.put(boardC) }},
			{"the end of a presence", func() { time.Sleep(emptyTime) }},
			{"a bus that fails", func() { b.finder.atLooks(func() error { return errPlain }); time.Sleep(settleTime) }},
			{"a bus that works again", func() { b.finder.atLooks(nil) }},
			{"a job", func() { b.admit("a", bay1) }},
			{"another job", func() { b.admit("b", bay1) }},
			{"the end of one", func() { b.must(b.station.Cancel("b")) }},
			{"the end of the other", func() { time.Sleep(time.Minute) }},
			{"a journal that fails", func() {
				b.journal.beforeCommits(func(number int, _ *job.Entry) error {
					if number == 2 {
						return errDisk
					}
					return nil
				})
				b.admit("c", bay1)
			}},
		} {
			rang(bell)
			time.Sleep(5 * time.Second)
			if rang(bell) {
				t.Errorf("it rings before %s", change.what)
			}
			change.make()
			time.Sleep(2 * pollTime)
			if !rang(bell) {
				t.Errorf("it does not ring for %s", change.what)
			}
		}
	})
}

// A bell that nobody hears holds nobody up, and each listener has his own.
func TestSeveralListen(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		one, stopOne := b.station.Changes()
		two, stopTwo := b.station.Changes()
		defer stopTwo()
		b.do("a")
		b.do("b")
		if !rang(one) || !rang(two) || rang(one) {
			t.Error("not each listener has heard of it, or one has twice")
		}
		stopOne()
		stopOne()
		b.do("c")
		if rang(one) || !rang(two) {
			t.Error("the wrong one has heard of it")
		}
	})
}
