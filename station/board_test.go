package station

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// P1: a write begins only with the board that the job began with.
func TestBoardChanged(t *testing.T) {
	anon := Device{Port: port1}
	for name, test := range map[string]struct {
		change func(*bench) // during the first step, of a minute
		code   job.Code     // empty: the board is the same
	}{
		"the same board":              {func(*bench) {}, ""},
		"it leaves the bus for long":  {func(b *bench) { b.away(30*time.Second, boardA) }, ""},
		"it does not come back":       {func(b *bench) { b.finder.put(boardC) }, ""},
		"it restarts without an id":   {func(b *bench) { b.away(5*time.Second, anon) }, ""},
		"another board at once":       {func(b *bench) { b.finder.put(boardB, boardC) }, job.BoardChanged},
		"another board, later":        {func(b *bench) { b.away(30*time.Second, boardB) }, job.BoardChanged},
		"another board for a while":   {func(b *bench) { b.finder.put(boardB); time.Sleep(time.Second); b.finder.put(boardA) }, job.BoardChanged},
		"another board in other bays": {func(b *bench) { b.finder.put(boardA, Device{Port: port2, ID: "board-d"}) }, ""},
		"a second device":             {func(b *bench) { b.finder.put(boardA, boardB) }, job.PortAmbiguous},
		"a second device, no id":      {func(b *bench) { b.finder.put(anon, boardA) }, job.PortAmbiguous},
		"a second one for a while":    {func(b *bench) { b.finder.put(anon, boardA); time.Sleep(time.Second); b.finder.put(boardA) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", insists("look"), writing(done("write")), passes("end"))
				b.start()
				b.admit("a", bay1)
				time.Sleep(time.Second)
				test.change(b)
				j := b.await("a")
				wrote := slices.Contains(b.written(), "a write")
				if test.code == "" {
					b.wantState("a", job.Succeeded)
				} else {
					b.wantFault(j, test.code)
				}
				if wrote != (test.code == "") {
					t.Errorf("wrote: %v", wrote)
				}
				if j.Presence != 1 {
					t.Errorf("the job's presence is %d", j.Presence)
				}
			})
		})
	}
}

// away takes the board of bay 1 away for some time.
func (b *bench) away(d time.Duration, comes Device) {
	b.finder.put(boardC)
	time.Sleep(d)
	b.finder.put(comes, boardC)
}

// P1: the board may be exchanged at the last moment, between two looks of the
// station.
func TestBoardChangedJustBeforeTheWrite(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", done("look"), writing(done("write")), passes("end"))
		b.journal.beforeCommits(func(_ int, e *job.Entry) error {
			if e.Job.Step == "write" {
				b.finder.put(boardB)
			}
			return nil
		})
		b.start()
		b.wantFault(b.do("a"), job.BoardChanged)
		b.wantDiary("a look", "a closed failed")
	})
}

// P1, P3: a step that only looks does not begin with another board either: what
// it found would be told, and after a restart written, of the job's own.
func TestBoardChangedForALook(t *testing.T) {
	for name, devices := range map[job.Code][]Device{
		job.BoardChanged:  {boardB},
		job.PortAmbiguous: {boardA, boardB},
	} {
		t.Run(string(name), func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.script("a", insists("look"), done("more"), passes("end"))
				b.start()
				b.admit("a", bay1)
				time.Sleep(time.Second)
				b.finder.put(devices...)
				b.wantFault(b.await("a"), name)
				b.wantDiary("a look", "a closed failed")
			})
		})
	}
}

// P1: what was found on a board that came while the station was stopped is not
// written to the one before, when that is back after the next stop.
func TestBoardThatCameAndWent(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", insists("look"), done("save"), takes("more", time.Minute), writing(done("write")), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.end()
		b.finder.put(boardB)
		b.start()
		time.Sleep(90 * time.Second)
		b.end()
		b.finder.put(boardA)
		b.start()
		b.wantFault(b.await("a"), job.BoardChanged)
		b.wantDiary("a look", "a closed running", "a closed failed")
	})
}

// Jobs on one attachment have one number, and the next attachment has the next.
func TestPresenceOfJobs(t *testing.T) {
	onBench(t, func(b *bench) {
		b.start()
		want := func(id string, number uint64) {
			t.Helper()
			if j := b.do(id); j.Presence != number || j.State != job.Succeeded {
				t.Errorf("job %s is %s in presence %d, want %d", id, j.State, j.Presence, number)
			}
		}
		want("a", 1)
		b.away(9*time.Second, boardA)
		time.Sleep(time.Second)
		want("b", 1)
		b.away(11*time.Second, boardA)
		time.Sleep(time.Second)
		want("c", 2)
		b.restart()
		want("d", 2) // as nothing says otherwise
		b.finder.put()
		time.Sleep(11 * time.Second)
		want("e", 3) // a board that is not on the bus
		want("f", 3)
		b.finder.put(boardB)
		want("g", 3)
		b.restart()
		want("h", 3)
		b.end()
		b.finder.put(Device{Port: port1})
		b.start()
		if j := b.do("i"); j.Presence != 3 || j.DeviceID != "" {
			t.Errorf("a board that tells no id is taken for %q in presence %d", j.DeviceID, j.Presence)
		}
		b.end()
		b.finder.put(boardA)
		b.start()
		want("j", 3) // the last job did not learn which board it was
		b.end()
		b.finder.put(boardB)
		b.start()
		want("k", 4)
		b.end()
		b.finder.put()
		b.start()
		time.Sleep(11 * time.Second)
		want("l", 5)
	})
}

// A job begins with the board that is in the bay when it begins, even if that
// came a moment ago.
func TestJobBeginsWithAFreshLook(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", done("look"), writing(done("write")), passes("end"))
		b.start()
		b.finder.put(boardB)
		j := b.do("a")
		if j.State != job.Succeeded || j.Presence != 2 {
			t.Errorf("the job is %s in presence %d, fault %+v", j.State, j.Presence, j.Fault)
		}
	})
}

// P1: a look that was slow does not overwrite what a later one has seen.
func TestSlowLook(t *testing.T) {
	for name, test := range map[string]struct {
		now       []Device
		ambiguous bool
		number    uint64
	}{
		"two devices":   {[]Device{boardA, boardB}, true, 1},
		"another board": {[]Device{boardB}, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				var err error
				b.station, err = New(b.config)
				b.must(err)
				b.must(b.station.look(t.Context()))
				goOn := make(chan struct{})
				b.finder.atLooks(func() error { <-goOn; return nil })
				go func() { b.must(b.station.look(t.Context())) }() // has seen board a
				synctest.Wait()
				b.finder.put(test.now...)
				b.finder.atLooks(nil)
				b.must(b.station.look(t.Context()))
				close(goOn)
				synctest.Wait()
				if p := b.station.bays[0].presence; p.ambiguous != test.ambiguous || p.number != test.number {
					t.Errorf("presence %d, ambiguous %v", p.number, p.ambiguous)
				}
			})
		})
	}
}

// The id that a step finds out is that of the attachment.
func TestIdentifiedBoard(t *testing.T) {
	anon := Device{Port: port1}
	onBench(t, func(b *bench) {
		b.finder.put(anon)
		b.script("a", gives("identify", job.Outcome{DeviceID: "board-a"}), insists("look"), writing(done("write")), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		if status := b.station.bays[0].status(); status.DeviceID != "board-a" {
			t.Errorf("the bay is %+v", status)
		}
		b.finder.put(boardB)
		b.wantFault(b.await("a"), job.BoardChanged)
	})
}

// P3: a job is not told of the board that came after its own.
func TestIDOfTheNextBoard(t *testing.T) {
	onBench(t, func(b *bench) {
		b.finder.put(Device{Port: port1})
		b.script("a", insists("look"), done("more"), passes("end"))
		b.start()
		b.admit("a", bay1)
		for _, next := range []Device{boardA, boardB} {
			time.Sleep(time.Second)
			b.finder.put(next)
		}
		j := b.await("a")
		b.wantFault(j, job.BoardChanged)
		if j.DeviceID != "" {
			t.Errorf("the job says that it was of %s", j.DeviceID)
		}
	})
}

// P1: a board that tells another id only to a step is another board too.
func TestIdentifiedAsAnother(t *testing.T) {
	onBench(t, func(b *bench) {
		b.script("a", insists("enter"), gives("identify", job.Outcome{DeviceID: "board-b"}), writing(done("write")), passes("end"))
		b.start()
		b.admit("a", bay1)
		time.Sleep(time.Second)
		b.finder.put(Device{Port: port1})
		b.wantFault(b.await("a"), job.BoardChanged)
		b.wantDiary("a enter", "a identify", "a closed failed")
		if status := b.station.bays[0].status(); status.Presence != 2 || status.DeviceID != "board-b" {
			t.Errorf("the bay is %+v", status)
		}
	})
}

// P1: a job whose board was followed by another before the station stopped is
// not resumed with that one, although it tells no id.
func TestResumedJobOfAnEarlierPresence(t *testing.T) {
	onBench(t, func(b *bench) {
		b.finder.put(Device{Port: port1})
		b.script("a", takes("look", time.Minute), writing(done("write")), passes("end"))
		b.start()
		b.admit("a", bay1)
		synctest.Wait()
		b.station.bays[0].mu.Lock()
		b.station.bays[0].presence.begin("")
		b.station.bays[0].mu.Unlock()
		b.admit("b", bay1)
		b.restart()
		b.wantFault(b.await("a"), job.BoardChanged)
		if j := b.await("b"); j.Presence <= 1 {
			t.Errorf("the next job's presence is %d", j.Presence)
		}
	})
}
