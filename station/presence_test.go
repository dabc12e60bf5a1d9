package station

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// sight is a look at a port.
type sight struct {
	after   time.Duration // since the look before
	devices []Device
	busy    bool
}

func TestPresence(t *testing.T) {
	anon := Device{Port: port1}
	a, b, none, both := []Device{boardA}, []Device{boardB}, []Device(nil), []Device{boardA, boardB}
	const short, long = 9 * time.Second, 10 * time.Second
	for name, test := range map[string]struct {
		sights []sight
		want   uint64
		id     string
	}{
		"nothing":                          {[]sight{{0, none, false}, {long, none, false}}, 0, ""},
		"a board":                          {[]sight{{0, a, false}, {long, a, false}}, 1, "board-a"},
		"away for less than 10 s":          {[]sight{{0, a, false}, {1, none, false}, {short, none, false}, {1, a, false}}, 1, "board-a"},
		"away for 10 s":                    {[]sight{{0, a, false}, {1, none, false}, {long, none, false}, {1, a, false}}, 2, "board-a"},
		"away for 10 s, between two looks": {[]sight{{0, a, false}, {1, none, false}, {long, a, false}}, 1, "board-a"},
		"away twice for less than 10 s":    {[]sight{{0, a, false}, {1, none, false}, {short, a, false}, {1, none, false}, {short, none, false}, {0, a, false}}, 1, "board-a"},
		"away for long during a job":       {[]sight{{0, a, true}, {1, none, true}, {long, none, true}, {long, none, true}, {1, a, true}}, 1, "board-a"},
		"away, less than 10 s since a job": {[]sight{{0, a, true}, {1, none, true}, {long, none, true}, {short, none, false}, {0, a, false}}, 1, "board-a"},
		"away, 10 s since a job":           {[]sight{{0, a, true}, {1, none, true}, {long, none, true}, {long, none, false}, {0, a, false}}, 2, "board-a"},
		"another at once":                  {[]sight{{0, a, false}, {1, b, false}}, 2, "board-b"},
		"another during a job":             {[]sight{{0, a, true}, {1, none, true}, {1, b, true}}, 2, "board-b"},
		"one that tells its id later":      {[]sight{{0, []Device{anon}, false}, {1, a, false}, {1, []Device{anon}, false}}, 1, "board-a"},
		"then another tells its own":       {[]sight{{0, []Device{anon}, false}, {1, a, false}, {1, []Device{anon}, false}, {1, b, false}}, 2, "board-b"},
		"two at once":                      {[]sight{{0, both, false}}, 1, ""},
		"a second one for a while":         {[]sight{{0, a, false}, {1, []Device{boardB, boardA}, false}, {1, both, false}, {1, a, false}}, 1, "board-a"},
		"a second one that stays":          {[]sight{{0, a, false}, {1, both, false}, {1, b, false}}, 2, "board-b"},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			p := presence{over: true}
			for _, s := range test.sights {
				now = now.Add(s.after)
				p.see(s.devices, s.busy, now)
			}
			if p.number != test.want || p.id != test.id {
				t.Errorf("presence %d of %q, want %d of %q", p.number, p.id, test.want, test.id)
			}
		})
	}
}

// A job may begin with a board that is not on the bus; when it appears, it is
// the board of the job.
func TestPresenceClaimed(t *testing.T) {
	now := time.Now()
	p := presence{number: 4, over: true}
	p.see(nil, false, now)
	if n := p.claim(); n != 5 {
		t.Errorf("claimed %d, want 5", n)
	}
	if n := p.claim(); n != 5 {
		t.Errorf("claimed %d again, want 5", n)
	}
	p.see(nil, true, now.Add(time.Minute))
	p.see([]Device{boardA}, true, now.Add(2*time.Minute))
	if p.number != 5 || p.id != boardA.ID {
		t.Errorf("then presence %d of %q", p.number, p.id)
	}
}

// A port that nobody has looked at is not known to be empty.
func TestPresenceClaimedUnseen(t *testing.T) {
	p := presence{over: true}
	p.claim()
	now := time.Now()
	p.see(nil, false, now)
	if p.see(nil, false, now.Add(emptyTime-1)); p.over {
		t.Error("it was over at once")
	}
	if p.see(nil, false, now.Add(emptyTime)); !p.over {
		t.Error("it is not over after 10 s")
	}
}

// history is what the words about presences say, told from the whole of what
// was seen: the slow opinion on presence.see.
type history []sight

// number counts the presences.
func (h history) number() uint64 {
	var n uint64
	from := -1 // the sight with which the present presence began
	for i, s := range h {
		if len(s.devices) == 0 {
			continue
		}
		if from < 0 || h.wasEmpty(from, i) || h.otherID(from, i) {
			n++
			from = i
		}
	}
	return n
}

// wasEmpty tells whether the port was empty for 10 s without a job somewhere
// between two sights.
func (h history) wasEmpty(from, to int) bool {
	var empty time.Duration
	seen := false
	for _, s := range h[from+1 : to] {
		switch {
		case len(s.devices) > 0 || s.busy:
			// A job's last look begins the time anew.
			empty, seen = 0, len(s.devices) == 0
		case !seen:
			empty, seen = 0, true
		default:
			empty += s.after
		}
		if empty >= emptyTime {
			return true
		}
	}
	return false
}

// otherID tells whether another board than the one of from says its id at i.
func (h history) otherID(from, i int) bool {
	told := func(s sight) string {
		if len(s.devices) != 1 {
			return ""
		}
		return s.devices[0].ID
	}
	for _, s := range h[from:i] {
		if id := told(s); id != "" {
			return told(h[i]) != "" && told(h[i]) != id
		}
	}
	return false
}

func drawSight(rt *rapid.T) sight {
	boards := []Device{boardA, boardB, {Port: port1}, {Port: port1, ID: "board-d"}}
	return sight{
		after:   time.Duration(rapid.SampledFrom([]int{0, 1, 3, 5, 9, 10, 11}).Draw(rt, "after")) * time.Second,
		devices: rapid.SliceOfN(rapid.SampledFrom(boards), 0, 2).Draw(rt, "devices"),
		busy:    rapid.Bool().Draw(rt, "busy"),
	}
}

func TestPresenceAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seen := history(rapid.SliceOfN(rapid.Custom(drawSight), 1, 20).Draw(rt, "sights"))
		p := presence{over: true}
		now := time.Now()
		for i, s := range seen {
			now = now.Add(s.after)
			p.see(s.devices, s.busy, now)
			if want := seen[:i+1].number(); p.number != want {
				rt.Fatalf("at sight %d, %+v: presence %d, want %d", i, s, p.number, want)
			}
		}
	})
}
