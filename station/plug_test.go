package station

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"duogateway/job"
)

// plugs makes a bench whose bay 1 is empty and gives jobs to boards that are
// plugged in. Bay 2 gives none.
func (b *bench) plugs(kind job.Kind) {
	b.config.Bays[0].OnPlug = kind
	b.finder.put()
}

// automatic lists the jobs that nobody has asked for, as "kind presence".
func (b *bench) automatic() []string {
	var list []string
	for _, id := range b.journal.ids() {
		if j, _, _, _ := b.journal.Job(id); j.Source == job.FromPlug {
			list = append(list, fmt.Sprintf("%s %d", j.Kind, j.Presence))
		}
	}
	return list
}

func (b *bench) wantAutomatic(want ...string) {
	b.t.Helper()
	if got := b.automatic(); !slices.Equal(got, want) {
		b.t.Errorf("jobs that nobody has asked for: %q, want %q", got, want)
	}
}

// rests is long enough for a board to settle and for its job to end.
const rests = 5 * time.Second

func TestPlug(t *testing.T) {
	keyboard := Device{Port: port1, ID: "k", Name: "USB device 046d:c31c"}
	plug := func(d ...Device) func(*bench) {
		return func(b *bench) { b.finder.put(d...); time.Sleep(rests) }
	}
	empty := func(d time.Duration) func(*bench) {
		return func(b *bench) { b.finder.put(); time.Sleep(d) }
	}
	restart := func(b *bench) { b.restart(); time.Sleep(rests) }
	swapped := func(d ...Device) func(*bench) {
		return func(b *bench) { b.end(); b.finder.put(d...); b.start(); time.Sleep(rests) }
	}
	ask := func(id string) func(*bench) {
		return func(b *bench) { b.do(id); time.Sleep(rests) }
	}
	for name, test := range map[string]struct {
		kind job.Kind
		acts []func(*bench)
		want []string
	}{
		"a board":                         {job.Diagnose, []func(*bench){plug(boardA)}, []string{"diagnose 1"}},
		"a board that is to be repaired":  {job.Repair, []func(*bench){plug(boardA)}, []string{"repair 1"}},
		"off":                             {"", []func(*bench){plug(boardA)}, nil},
		"another bay, which is off":       {job.Diagnose, []func(*bench){plug(boardC)}, nil},
		"for long":                        {job.Diagnose, []func(*bench){plug(boardA), plug(boardA), plug(boardA)}, []string{"diagnose 1"}},
		"one that tells no id":            {job.Diagnose, []func(*bench){plug(Device{Port: port1, Board: true})}, []string{"diagnose 1"}},
		"a keyboard":                      {job.Diagnose, []func(*bench){plug(keyboard)}, nil},
		"two devices":                     {job.Diagnose, []func(*bench){plug(boardA, boardB)}, nil},
		"two devices, then one":           {job.Diagnose, []func(*bench){plug(boardA, boardB), plug(boardA)}, []string{"diagnose 1"}},
		"away for 9 s":                    {job.Diagnose, []func(*bench){plug(boardA), empty(9 * time.Second), plug(boardA)}, []string{"diagnose 1"}},
		"away for 15 s":                   {job.Diagnose, []func(*bench){plug(boardA), empty(15 * time.Second), plug(boardA)}, []string{"diagnose 1", "diagnose 2"}},
		"another at once":                 {job.Diagnose, []func(*bench){plug(boardA), plug(boardB)}, []string{"diagnose 1", "diagnose 2"}},
		"a restart of the station":        {job.Diagnose, []func(*bench){plug(boardA), restart, restart}, []string{"diagnose 1"}},
		"swapped while it was stopped":    {job.Diagnose, []func(*bench){plug(boardA), swapped(boardB)}, []string{"diagnose 1", "diagnose 2"}},
		"swapped for one without an id":   {job.Diagnose, []func(*bench){plug(boardA), swapped(Device{Port: port1, Board: true})}, []string{"diagnose 1"}},
		"swapped, and tells so later":     {job.Diagnose, []func(*bench){plug(boardA), swapped(Device{Port: port1, Board: true}), plug(boardB)}, []string{"diagnose 1", "diagnose 2"}},
		"there before the first start":    {job.Diagnose, []func(*bench){swapped(boardA)}, []string{"diagnose 1"}},
		"taken out while it was stopped":  {job.Diagnose, []func(*bench){plug(boardA), swapped(), empty(11 * time.Second), plug(boardA)}, []string{"diagnose 1", "diagnose 2"}},
		"somebody has asked before":       {job.Diagnose, []func(*bench){empty(time.Second), ask("a"), plug(boardA)}, nil},
		"somebody asks in between":        {job.Diagnose, []func(*bench){plug(boardA), ask("a"), restart, ask("b")}, []string{"diagnose 1"}},
		"a keyboard, then a board":        {job.Diagnose, []func(*bench){plug(keyboard), empty(11 * time.Second), plug(boardA)}, []string{"diagnose 2"}},
		"comes and goes too fast":         {job.Diagnose, slices.Repeat([]func(*bench){func(b *bench) { b.finder.put(boardA); time.Sleep(time.Second) }, empty(time.Second)}, 20), nil},
		"comes and goes, and then stays":  {job.Diagnose, append(slices.Repeat([]func(*bench){func(b *bench) { b.finder.put(boardA); time.Sleep(time.Second) }, empty(time.Second)}, 20), plug(boardA)), []string{"diagnose 1"}},
		"joins as something else first":   {job.Diagnose, []func(*bench){func(b *bench) { b.finder.put(keyboard); time.Sleep(time.Second) }, plug(boardA)}, []string{"diagnose 2"}},
		"changes all the time":            {job.Diagnose, slices.Repeat([]func(*bench){func(b *bench) { b.finder.put(boardA); time.Sleep(time.Second) }, func(b *bench) { b.finder.put(Device{Port: port1, Board: true}); time.Sleep(time.Second) }}, 10), nil},
		"a bus that fails, then does not": {job.Diagnose, []func(*bench){func(b *bench) { b.finder.atLooks(func() error { return errPlain }) }, plug(boardA), func(b *bench) { b.finder.atLooks(nil) }, plug(boardA)}, []string{"diagnose 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.plugs(test.kind)
				b.start()
				for _, act := range test.acts {
					act(b)
				}
				b.wantAutomatic(test.want...)
				for _, id := range b.journal.ids() {
					b.wantState(id, job.Succeeded)
				}
			})
		})
	}
}

// A board gets its job when it has been on the bus for 2 s, not before.
func TestPlugSettles(t *testing.T) {
	onBench(t, func(b *bench) {
		b.plugs(job.Diagnose)
		b.start()
		b.finder.put(boardA)
		time.Sleep(settleTime)
		b.wantAutomatic()
		time.Sleep(2 * pollTime)
		b.wantAutomatic("diagnose 1")
	})
}

// A job that fails, whatever for, is not repeated in the same presence. After
// the board was taken out and plugged in again it is.
func TestPlugAfterAFailure(t *testing.T) {
	onBench(t, func(b *bench) {
		b.plugs(job.Repair)
		b.config.Recipes = func(job.Job) (*job.Plan, error) {
			return &job.Plan{Steps: []job.Step{fails("look", job.Failf(job.KeyErased, "kept in DFU mode"))}}, nil
		}
		b.start()
		b.finder.put(boardA)
		time.Sleep(time.Minute)
		b.restart()
		time.Sleep(time.Minute)
		b.wantAutomatic("repair 1")
		b.away(15*time.Second, Device{Port: port1, Name: "Duo in DFU mode", Board: true})
		time.Sleep(rests)
		b.wantAutomatic("repair 1", "repair 2")
	})
}

// What cannot be stored is not tried again and again.
func TestPlugThatIsNotStored(t *testing.T) {
	onBench(t, func(b *bench) {
		b.plugs(job.Diagnose)
		b.start()
		b.journal.beforeCommits(func(int, *job.Entry) error { return errDisk })
		b.finder.put(boardA)
		time.Sleep(time.Minute)
		if n := b.journal.committed(); n != 1 || !strings.Contains(b.log.String(), "gets no job") {
			t.Errorf("%d tries", n)
		}
	})
}

// A bay with a job that waits or runs gets none of itself, and one that was
// canceled is not replaced.
func TestPlugOfABusyBay(t *testing.T) {
	onBench(t, func(b *bench) {
		b.plugs(job.Diagnose)
		b.script("a", takes("work", time.Hour), passes("end"))
		b.script("b", takes("work", time.Hour), passes("end"))
		b.start()
		b.finder.put(boardA)
		time.Sleep(time.Second)
		b.admit("a", bay1)
		b.admit("b", bay1)
		time.Sleep(time.Minute)
		b.must(b.station.Cancel("b"))
		b.must(b.station.Cancel("a"))
		time.Sleep(time.Minute)
		b.restart()
		time.Sleep(time.Minute)
		b.wantAutomatic()
	})
}

// The board is exchanged while a job runs: the job ends, and the new board gets
// its own.
func TestPlugDuringAJob(t *testing.T) {
	onBench(t, func(b *bench) {
		b.plugs(job.Diagnose)
		b.script("a", takes("look", time.Minute), done("more"), passes("end"))
		b.finder.put(boardA)
		b.start()
		b.admit("a", bay1)
		time.Sleep(time.Second)
		b.finder.put(boardB)
		time.Sleep(30 * time.Second)
		b.wantAutomatic()
		b.wantFault(b.await("a"), job.BoardChanged)
		time.Sleep(rests)
		b.wantAutomatic("diagnose 2")
	})
}

// leaves ends with the board off the bus: it restarts.
func leaves(b *bench) job.Step {
	return step("leave", func(context.Context, job.Say) (job.Outcome, error) {
		b.finder.put()
		return job.Outcome{End: &job.Ending{Proof: job.NotConfigured}}, nil
	})
}

// A board that comes back from a job, however slowly, was not plugged in.
func TestPlugIsNoRestart(t *testing.T) {
	for name, test := range map[string]struct {
		away  time.Duration
		comes Device
		want  []string
	}{
		"at once":                   {time.Second, boardA, nil},
		"in 9 s":                    {9 * time.Second, boardA, nil},
		"in 11 s":                   {11 * time.Second, boardA, nil},
		"in just a minute":          {59 * time.Second, boardA, nil},
		"in more than a minute":     {61 * time.Second, boardA, []string{"diagnose 2"}},
		"another one":               {11 * time.Second, boardB, []string{"diagnose 2"}},
		"one that tells no id":      {11 * time.Second, Device{Port: port1, Board: true}, []string{"diagnose 2"}},
		"another, nearly in no gap": {time.Second, boardB, []string{"diagnose 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, func(b *bench) {
				b.plugs(job.Diagnose)
				b.script("a", leaves(b))
				b.finder.put(boardA)
				b.start()
				b.do("a")
				time.Sleep(test.away)
				b.finder.put(test.comes)
				time.Sleep(rests)
				b.wantAutomatic(test.want...)
				b.away(15*time.Second, boardA)
				time.Sleep(rests)
				if n := len(b.automatic()); n != len(test.want)+1 {
					t.Errorf("%d jobs, want one more for the next time that a board is plugged in", n)
				}
			})
		})
	}
}

// handling is what somebody does with boards, and what that means: the slow
// opinion on who gets a job. It knows nothing of looks and numbers.
type handling struct {
	in     Device // the board in the bay; no name means none
	served bool   // it has had a job
	any    bool   // there was a job
	last   string // the id of the board that the last one was about; empty if there was none
	jobs   int    // those that nobody asked for
}

// plug puts a board in after the bay was empty for long.
func (h *handling) plug(d Device) { h.in, h.served = d, false }

// swap puts another board in within a moment.
func (h *handling) swap(d Device) {
	if h.in.Name == "" || h.in.ID != d.ID {
		h.served = false
	}
	h.in = d
}

// swapStopped puts a board in while the station is stopped. The station can
// tell it from the board of the last job by its id alone.
func (h *handling) swapStopped(d Device) {
	h.in, h.served = d, h.any && (h.last == "" || h.last == d.ID)
}

// ask is a job that somebody asks for.
func (h *handling) ask() { h.served, h.any, h.last = true, true, h.in.ID }

// rest is some time in which nobody does anything.
func (h *handling) rest() {
	if h.in.Name != "" && !h.served {
		h.ask()
		h.jobs++
	}
}

// However boards are handled, and the station stopped and started, each
// attachment of a board gets one job, unless somebody has asked for one.
func TestAnyHandling(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		acts := rapid.SliceOfN(rapid.SampledFrom([]string{"plug A", "plug B", "swap A", "swap B", "take out", "blink", "ask", "restart", "swap A stopped", "swap B stopped"}), 1, 15).Draw(rt, "acts")
		var got, want []int
		synctest.Test(t, func(t *testing.T) { got, want = handle(t, acts) })
		if !slices.Equal(got, want) {
			rt.Fatalf("jobs after each act %v, want %v", got, want)
		}
	})
}

// handle plays a sequence on a bench and on the slow opinion, and tells how many
// jobs each counts after every act.
func handle(t *testing.T, acts []string) (got, want []int) {
	b := newBench(t)
	b.plugs(job.Diagnose)
	b.config.Recipes = b.restarting
	b.start()
	var h handling
	for i, act := range acts {
		b.handle(act, i, &h)
		time.Sleep(30 * time.Second)
		h.rest()
		got, want = append(got, len(b.automatic())), append(want, h.jobs)
	}
	b.end()
	return got, want
}

func (b *bench) handle(act string, i int, h *handling) {
	board := map[bool]Device{true: boardA, false: boardB}[strings.Contains(act, "A")]
	verb := strings.Fields(act)[0]
	switch verb {
	case "plug":
		b.finder.put()
		time.Sleep(11 * time.Second)
		b.finder.put(board)
		h.plug(board)
	case "swap":
		if strings.Contains(act, "stopped") {
			b.end()
			b.finder.put(board)
			h.swapStopped(board)
			b.start()
			return
		}
		b.finder.put(board)
		h.swap(board)
	case "take":
		b.finder.put()
		h.in = Device{}
	case "blink":
		there, _ := b.finder.Devices(b.t.Context())
		b.finder.put()
		time.Sleep(8 * time.Second)
		b.finder.put(there...)
	case "ask":
		b.admit(fmt.Sprint("asked-", i), bay1)
		h.ask()
	case "restart":
		b.restart()
	}
}

// restarting is the plan of a job that takes the board off the bus for a while.
func (b *bench) restarting(j job.Job) (*job.Plan, error) {
	restart := step("restart", func(context.Context, job.Say) (job.Outcome, error) {
		there, err := b.finder.Devices(context.Background())
		b.finder.put()
		time.Sleep(12 * time.Second)
		b.finder.put(there...)
		return job.Outcome{End: &job.Ending{Proof: job.NotConfigured}}, err
	})
	return b.bind(j, &memo{}, &job.Plan{Steps: []job.Step{restart}}), nil
}
