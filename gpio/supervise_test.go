package gpio_test

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/gpio"
)

// puppet is a child that does only what the test makes it do.
type puppet struct {
	stdout   string
	got      []syscall.Signal
	endsAt   time.Time
	immortal bool
}

func (p *puppet) Ended() bool                     { return !p.endsAt.IsZero() && !time.Now().Before(p.endsAt) }
func (p *puppet) Output() (stdout, stderr []byte) { return []byte(p.stdout), []byte("a warning\n") }
func (p *puppet) Signal(s syscall.Signal) error {
	p.got = append(p.got, s)
	if s == syscall.SIGKILL && !p.immortal {
		p.endsAt = time.Now()
	}
	return nil
}

// play lets a Runner watch a puppet.
func play(r *rig, p *puppet, startErr error) (gpio.Result, error) {
	runner := gpio.NewFakeRunner(r.bench.NewProcess().Open, r.gesture, gpio.Fakes{
		Clock: r.clock, Find: r.find,
		Store: func(string) gpio.MarkerStore { return r.store },
		Start: func(gpio.Act, gpio.Bay) (gpio.FakeChild, error) { return p, startErr },
	})
	return runner.EnterDFU(r.t.Context(), r.bay)
}

func TestChildThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := play(newRig(t, testBay), nil, errors.New("no such program"))
		if !errors.Is(err, gpio.ErrGestureFailed) {
			t.Errorf("got %v", err)
		}
	})
}

// A child that comes to nothing is an error, never a gesture.
func TestChildWithoutWords(t *testing.T) {
	for name, stdout := range map[string]string{
		"silent":   "",
		"garbled":  "panic: oh",
		"empty":    "{}",
		"nonsense": `{"ending":{"outcome":"splendid"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				result, err := play(newRig(t, testBay), &puppet{stdout: stdout, endsAt: time.Now()}, nil)
				if !errors.Is(err, gpio.ErrGestureFailed) || result.Outcome == gpio.Completed {
					t.Errorf("got %+v, %v", result, err)
				}
			})
		})
	}
}

// The ending of an earlier gesture is not taken for that of a child which came
// to nothing.
func TestEarlierEndingIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, testBay)
		m := sampleMarker()
		m.Phase, m.Ending = gpio.PhaseOver, &gpio.Ending{Outcome: gpio.CutShort, SafeMode: true, Warning: "long ago"}
		if err := gpio.Save(r.store, m); err != nil {
			t.Fatal(err)
		}
		result, err := play(r, &puppet{endsAt: time.Now()}, nil)
		if !errors.Is(err, gpio.ErrGestureFailed) || result != (gpio.Result{}) || r.marker() != nil {
			t.Errorf("got %+v, %v, marker %v", result, err, r.marker())
		}
	})
}

// A child that dies between its report and its last step has made its gesture.
func TestChildDiesAfterItsReport(t *testing.T) {
	for outcome, left := range map[string]bool{"completed": false, "cut-short": true} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, testBay)
			p := &puppet{endsAt: time.Now().Add(time.Second), stdout: `{"ending":{"outcome":"` + outcome + `"}}`}
			time.AfterFunc(500*time.Millisecond, func() {
				m := sampleMarker()
				m.Rose = r.clock.Monotonic()
				if err := gpio.Save(r.store, m); err != nil {
					t.Error(err)
				}
			})
			result, err := play(r, p, nil)
			if string(result.Outcome) != outcome || (err == nil) == left {
				t.Errorf("got %+v, %v", result, err)
			}
			if m := r.marker(); (m != nil) != left || left && m.Phase != gpio.PhaseOver {
				t.Errorf("%s: the marker is %+v", outcome, m)
			}
		})
	}
}

func TestChildThatHangsBeforeItBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, p := time.Now(), &puppet{}
		_, err := play(newRig(t, testBay), p, nil)
		if !errors.Is(err, gpio.ErrGestureFailed) || len(p.got) != 1 || p.got[0] != syscall.SIGKILL {
			t.Errorf("got %v after signals %v", err, p.got)
		}
		if took := time.Since(begun); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A process that the kernel cannot end is reported, not waited for.
func TestChildThatCannotBeKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, p := time.Now(), &puppet{immortal: true}
		_, err := play(newRig(t, testBay), p, nil)
		if !errors.Is(err, gpio.ErrLinesBusy) || len(p.got) != 1 || time.Since(begun) > 16*time.Second {
			t.Errorf("got %v after signals %v and %v", err, p.got, time.Since(begun))
		}
	})
}

// P2: a child is killed only where the death of it may let SETUP go, and woken
// where only it can help.
func TestNudge(t *testing.T) {
	const rose = 100 * time.Second
	risen := func(act gpio.Act, phase gpio.Phase, hold time.Duration) *gpio.Marker {
		m := sampleMarker()
		m.Act, m.Phase, m.Hold, m.Rose = act, phase, hold, rose
		if phase == gpio.PhaseOver {
			m.Ending = &gpio.Ending{Outcome: gpio.CutShort, At: rose}
		}
		return &m
	}
	usual := risen(gpio.ActEnterDFU, gpio.PhaseRisen, gpio.DefaultHold)
	longest := risen(gpio.ActEnterDFU, gpio.PhaseRisen, gpio.MaxHold)
	planned := risen(gpio.ActEnterDFU, gpio.PhasePlanned, gpio.DefaultHold)
	cases := []struct {
		name string
		m    *gpio.Marker
		age  time.Duration
		want string
	}{
		{"in its hold", usual, 3500 * time.Millisecond, "wait"},
		{"late", usual, 3700 * time.Millisecond, "kill"},
		{"the last moment", usual, 5800 * time.Millisecond, "kill"},
		{"too near the window", usual, 5810 * time.Millisecond, "wake"},
		{"in the window", usual, 9 * time.Second, "wake"},
		{"its end", usual, 11500 * time.Millisecond, "wake"},
		{"after it", usual, 11700 * time.Millisecond, "kill"},
		{"the longest hold", longest, 5700 * time.Millisecond, "wait"},
		{"the longest hold, late", longest, 5790 * time.Millisecond, "kill"},
		{"planned", planned, 3 * time.Second, "wait"},
		{"planned, after the window or still in it", planned, 11700 * time.Millisecond, "wake"},
		{"planned, after the window", planned, 12 * time.Second, "kill"},
		{"a reset", risen(gpio.ActReset, gpio.PhasePlanned, 0), 500 * time.Millisecond, "wait"},
		{"a late reset", risen(gpio.ActReset, gpio.PhasePlanned, 0), 7 * time.Second, "kill"},
		{"over", risen(gpio.ActEnterDFU, gpio.PhaseOver, 0), 500 * time.Millisecond, "wait"},
		{"over, but there", risen(gpio.ActEnterDFU, gpio.PhaseOver, 0), 7 * time.Second, "kill"},
		{"not begun", nil, 9 * time.Second, "wait"},
		{"never begun", nil, 11 * time.Second, "kill"},
	}
	for _, c := range cases {
		if got := gpio.Nudge(c.m, rose, rose+c.age); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		// Once there is a marker, a slow start of the child does not count.
		if got := gpio.Nudge(c.m, rose-9*time.Second, rose+c.age); c.m != nil && got != c.want {
			t.Errorf("%s, slowly started: got %s, want %s", c.name, got, c.want)
		}
	}
}
