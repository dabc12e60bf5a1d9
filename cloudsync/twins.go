package cloudsync

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"duogateway/job"
)

// Twins are stations of one name, such as two cards with the same image. The
// broker lets only the newest connection of a client id live, so they throw each
// other out. A station notices by what its own state topic says: a machine with
// another boot id has been there since the station itself was. Where it cannot
// read the topic, connections that end again and again just after they began
// are a hint.
type twins struct {
	boot string // of this machine

	mu     sync.Mutex
	past   map[string]uint64 // sessions by boot id, of which the topic told before it told of this boot
	known  bool              // it has told of this boot: the past is over
	seen   *Twin
	thrown int // connections in a row that were up and ended at once
}

// Twin is another station with this station's name.
type Twin struct {
	Boot    string    `json:"boot_id,omitempty"` // empty when it was not seen, only felt
	Session uint64    `json:"session,omitempty"`
	Seen    time.Time `json:"seen"` // last
}

// String says it for people.
func (t Twin) String() string {
	if t.Boot == "" {
		return "the broker ends each connection at once: perhaps another station uses this station's name"
	}
	return fmt.Sprintf("another station uses this station's name: boot id %s, session %d", t.Boot, t.Session)
}

const (
	// soon is how short a connection is that somebody may have ended.
	soon = 5 * time.Second

	// suspicious is how many of those in a row are no accident.
	suspicious = 3

	// forgetTwin is how long a twin counts after it was seen last.
	forgetTwin = 15 * time.Minute
)

// meet reads a message of the station's own state topic. It may be this
// station's own will, of a connection that the broker gave up late; then it has
// to be said again that the station is online.
func (c *connection) meet(payload []byte) {
	var s job.StationState
	if json.Unmarshal(payload, &s) != nil || s.State != job.Online && s.State != job.Offline {
		return // a probe, or nobody's
	}
	if c.twins.meet(s) {
		c.Log.Error("another station uses this station's name: give each its own", "station", c.Station, "its_boot_id", s.Boot)
		c.sayAgain()
	}
	switch {
	case s.Boot == c.Clock.Boot && s.Session == c.session && s.State == job.Online:
		c.echoed = true
	case s.Boot == c.Clock.Boot && s.State == job.Offline && c.echoed:
		c.sayAgain()
	}
}

// sayAgain has it said once more that the station is online, and what troubles
// it.
func (c *connection) sayAgain() {
	select {
	case c.again <- struct{}{}:
	default: // it will be said anyway
	}
}

// meet tells whether it was a twin who said that.
func (t *twins) meet(s job.StationState) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case s.Boot == t.boot:
		t.known = t.known || s.State == job.Online
		return false
	case !t.known:
		if t.past == nil {
			t.past = map[string]uint64{}
		}
		t.past[s.Boot] = s.Session
		return false
	case s.State == job.Offline && s.Session <= t.past[s.Boot]:
		return false // the broker misses it only now
	}
	t.seen = &Twin{Boot: s.Boot, Session: s.Session, Seen: time.Now()}
	return true
}

// ended notes that a connection which was up has ended.
func (t *twins) ended(lasted time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if lasted > soon {
		t.thrown = 0
		return
	}
	if t.thrown++; t.thrown >= suspicious && (t.seen == nil || t.seen.Boot == "") {
		t.seen = &Twin{Seen: time.Now()}
	}
}

// present is the twin that there is, or nil.
func (t *twins) present() *Twin {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil || time.Since(t.seen.Seen) > forgetTwin {
		return nil
	}
	seen := *t.seen
	return &seen
}

// calm is how long to wait before connecting again. With a twin about it is
// long, for two stations that throw each other out at once serve nobody.
func (l *Link) calm(wait time.Duration) time.Duration {
	if l.twins.present() == nil {
		return wait
	}
	return max(wait, l.MaxRetry/2+rand.N(l.MaxRetry/2+1)) //nolint:gosec // guessing it is of no use to anybody
}
