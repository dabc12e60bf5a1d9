package cloudsync

import (
	"sync"
	"time"
)

// Status is what the link tells about itself.
type Status struct {
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since"`      // of the present state; zero before the first connection
	LastError string    `json:"last_error"` // why it went down last; empty when it never did

	Connects uint64 `json:"connects"` // how often it came up
	Sent     uint64 `json:"sent"`     // letters that arrived
	Received uint64 `json:"received"` // requests and cancels that came in, repeats too

	// SessionPresent says that the broker had kept the station's session at the
	// last connect. Without it, requests that waited there may be lost.
	SessionPresent bool `json:"session_present"`

	// Missing are the subscriptions that the broker does not grant.
	Missing []string `json:"missing,omitempty"`

	// Held is the letter that no connection has outlived, and Tries how many
	// have been tried. A broker that ends the connection over a letter, for its
	// size or for want of a permission, shows here.
	Held  uint64 `json:"held,omitempty"`
	Tries int    `json:"tries,omitempty"`

	// Twin is another station with this station's name.
	Twin *Twin `json:"twin,omitempty"`
}

// Status tells how the link is.
func (l *Link) Status() Status {
	l.status.mu.Lock()
	now := l.status.now
	l.status.mu.Unlock()
	now.Twin = l.twins.present()
	return now
}

// status is the Status of a link that runs.
type status struct {
	mu  sync.Mutex
	now Status
}

func (s *status) change(how func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how(&s.now)
}

func (s *status) greeted(sessionPresent bool) {
	s.change(func(now *Status) { now.SessionPresent = sessionPresent })
}

func (s *status) up() {
	s.change(func(now *Status) { now.Connected, now.Since, now.Connects = true, time.Now(), now.Connects+1 })
}

func (s *status) down(err error) {
	s.change(func(now *Status) {
		if now.Connected {
			now.Since = time.Now()
		}
		now.Connected = false
		if err != nil {
			now.LastError = err.Error()
		}
	})
}

func (s *status) missing(refused []subscription) {
	s.change(func(now *Status) {
		now.Missing = nil
		for _, r := range refused {
			now.Missing = append(now.Missing, r.filter)
		}
	})
}

func (s *status) sent(letters int) {
	s.change(func(now *Status) { now.Sent, now.Held, now.Tries = now.Sent+uint64(letters), 0, 0 })
}

func (s *status) held(letter uint64) {
	s.change(func(now *Status) {
		if now.Held != letter {
			now.Held, now.Tries = letter, 0
		}
		now.Tries++
	})
}

func (s *status) received() {
	s.change(func(now *Status) { now.Received++ })
}
