package daemon_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/station"
)

// fakeLights remember what they were told to show.
type fakeLights struct {
	mu    sync.Mutex
	told  map[string][]gpio.Pattern
	calls int
}

func (l *fakeLights) Show(bay string, p gpio.Pattern) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told == nil {
		l.told = map[string][]gpio.Pattern{}
	}
	l.told[bay] = append(l.told[bay], p)
	l.calls++
}

// seen is what was shown on the lights of a bay since the last time.
func (l *fakeLights) seen(bay string) []gpio.Pattern {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	told := l.told[bay]
	delete(l.told, bay)
	return told
}

func (l *fakeLights) want(t *testing.T, bay string, want ...gpio.Pattern) {
	t.Helper()
	if got := l.seen(bay); !slices.Equal(got, want) {
		t.Errorf("the lights of bay %q have shown %q, want %q", bay, got, want)
	}
}

// withLights makes a bench with lights, and lets it work.
func withLights(t *testing.T) (b *bench, l *fakeLights, stop func()) {
	b, l = newBench(t), &fakeLights{}
	b.Parts.Lights = l
	return b, l, b.work()
}

func (b *bench) admit(t *testing.T, r job.Request) {
	t.Helper()
	r.Source = job.FromCommand
	if _, err := b.Station().Admit(r); err != nil {
		t.Fatal(err)
	}
}

// The lights follow a board through its stay: the verdict stays until the board
// is taken out. Those of the station show what is worst.
func TestLights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l, stop := withLights(t)
		b.gestures.takes = 10 * time.Second
		l.want(t, "bay-1", gpio.PatternIdle)
		l.want(t, "bay-2", gpio.PatternIdle)
		l.want(t, "", gpio.PatternIdle)
		b.bus.plug("1-1.1", "1-1.2")
		time.Sleep(time.Hour)
		l.want(t, "bay-1")

		b.admit(t, job.Request{Kind: job.Diagnose, Bay: "bay-1"})
		time.Sleep(time.Second)
		l.want(t, "bay-1", gpio.PatternBusy)
		l.want(t, "", gpio.PatternBusy)
		time.Sleep(5 * time.Minute)
		l.want(t, "bay-1", gpio.PatternError)
		l.want(t, "", gpio.PatternError)

		b.admit(t, job.Request{Kind: job.Restore, Bay: "bay-2", Options: job.Options{Record: "none"}})
		time.Sleep(5 * time.Minute)
		b.bus.plug("1-1.2")
		time.Sleep(9 * time.Second)
		b.bus.plug("1-1.1", "1-1.2")
		time.Sleep(9 * time.Second)
		l.want(t, "bay-1")
		b.bus.plug("1-1.2")
		time.Sleep(11 * time.Second)
		l.want(t, "bay-1", gpio.PatternIdle)
		if got := l.seen("bay-2"); len(got) > 0 && got[len(got)-1] != gpio.PatternIdle {
			t.Errorf("after a request that was rejected the lights have shown %q", got)
		}
		stop()
		l.want(t, "bay-1", gpio.PatternOff)
		l.want(t, "bay-2", gpio.PatternOff)
	})
}

// What is shown already is not shown again, and nothing is asked while nothing
// changes.
func TestLightsKeepStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l, stop := withLights(t)
		b.bus.plug("1-1.1", "1-1.2")
		time.Sleep(time.Hour)
		stop()
		if l.calls != 6 {
			t.Errorf("%d calls, want one for each of three lights at the start and at the end", l.calls)
		}
	})
}

func TestLightsTellTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l, stop := withLights(t)
		defer stop()
		l.want(t, "", gpio.PatternIdle)
		b.bus.set(errors.New("no bus"))
		time.Sleep(3 * time.Second)
		l.want(t, "", gpio.PatternError)
		b.bus.set(nil)
		time.Sleep(time.Second)
		l.want(t, "", gpio.PatternIdle)
		l.want(t, "bay-2", gpio.PatternIdle, gpio.PatternError, gpio.PatternIdle)
		b.bus.plug("1-1.1", "1-1.1")
		time.Sleep(time.Second)
		l.want(t, "bay-1", gpio.PatternIdle, gpio.PatternError, gpio.PatternIdle, gpio.PatternError)
		l.want(t, "bay-2")
	})
}

// Lines that cannot be let go need a person, whatever else happens. // P2
func TestLightsOfStuckLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l := newBench(t), &fakeLights{}
		b.Parts.Lights = l
		b.gestures.fail = errors.New("a line is stuck")
		stop := b.work()
		b.bus.plug("1-1.1")
		time.Sleep(time.Second)
		b.admit(t, job.Request{Kind: job.Diagnose, Bay: "bay-1"})
		time.Sleep(5 * time.Minute)
		l.want(t, "", gpio.PatternAttention)
		stop()
		l.want(t, "", gpio.PatternOff)
	})
}

// A station that is told to stop shows that it is busy until it is not.
func TestLightsUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l, stop := withLights(t)
		b.gestures.takes = 10 * time.Second
		b.bus.plug("1-1.1")
		time.Sleep(time.Second)
		b.admit(t, job.Request{Kind: job.Diagnose, Bay: "bay-1"})
		time.Sleep(time.Second)
		go stop()
		time.Sleep(5 * time.Second)
		l.want(t, "bay-1", gpio.PatternIdle, gpio.PatternBusy)
		time.Sleep(5 * time.Second)
		if got := l.seen("bay-1"); len(got) == 0 || got[len(got)-1] != gpio.PatternOff {
			t.Errorf("at last the lights have shown %q", got)
		}
	})
}

func TestPattern(t *testing.T) {
	ended := func(v job.Verdict, p job.Proof, code job.Code) station.Status {
		j := &job.Job{}
		var fault *job.Report
		if code != "" {
			r := job.ReportOf(job.Failf(code, "it happened"))
			fault = &r
		}
		j.End(v, p, fault, job.Stamp{})
		return station.Status{Occupied: true, Judged: j, Last: j}
	}
	stopped := func(s job.State) station.Status {
		j := &job.Job{}
		j.Stop(s, job.Stamp{})
		return station.Status{Occupied: true, Judged: j, Last: j}
	}
	with := func(s station.Status, change func(*station.Status)) station.Status {
		change(&s)
		return s
	}
	pass, fail := ended(job.Pass, job.Proven, ""), ended(job.Fail, "", job.KeyDamaged)
	for name, c := range map[string]struct {
		status station.Status
		want   gpio.Pattern
	}{
		"empty":                {station.Status{}, gpio.PatternIdle},
		"occupied":             {station.Status{Occupied: true}, gpio.PatternIdle},
		"the last board's":     {with(fail, func(s *station.Status) { s.Judged = nil }), gpio.PatternIdle},
		"proven":               {pass, gpio.PatternProven},
		"unproven":             {ended(job.Pass, job.Unproven, ""), gpio.PatternUnproven},
		"awaited":              {ended(job.Pass, job.Awaited, ""), gpio.PatternUnproven},
		"no cloud":             {ended(job.Pass, job.NotConfigured, ""), gpio.PatternUnproven},
		"fail":                 {fail, gpio.PatternFail},
		"error":                {ended(job.Error, "", job.USBFailed), gpio.PatternError},
		"given up":             {ended(job.Error, "", job.Interrupted), gpio.PatternAttention},
		"reset possible":       {ended(job.Fail, "", job.ResetPossible), gpio.PatternAttention},
		"timed out":            {stopped(job.TimedOut), gpio.PatternError},
		"canceled":             {stopped(job.Canceled), gpio.PatternIdle},
		"running":              {with(fail, func(s *station.Status) { s.Running = "j" }), gpio.PatternBusy},
		"running, with others": {station.Status{Running: "j", Waiting: 1, Trouble: "a second board"}, gpio.PatternBusy},
		"waiting":              {with(pass, func(s *station.Status) { s.Waiting = 1 }), gpio.PatternBusy},
		"waiting in vain":      {station.Status{Waiting: 1, Trouble: "no journal"}, gpio.PatternError},
		"trouble":              {with(pass, func(s *station.Status) { s.Trouble = "no bus" }), gpio.PatternError},
	} {
		if got := daemon.Pattern(c.status); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
