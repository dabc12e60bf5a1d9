package remote

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	virtualduo "duogateway/virtual/duo"
)

// Faults are what is wrong with the bench itself, outside of its boards. The
// zero value is a sound bench.
type Faults struct {
	// Seed decides all that is left to chance.
	Seed uint64 `json:"seed,omitempty"`
	// Ports are the ports on which the boards of some bays show up in place of
	// their own, by the name of the bay, from the next enumeration on.
	Ports map[string]string `json:"ports,omitempty"`
	// Bounces is how many times the contact of a button opens and closes
	// before a press and again behind it.
	Bounces int `json:"bounces,omitempty"`
}

// longestBounce is that of a bad push button.
const longestBounce = 20 * time.Millisecond

// SetOwnFaults replaces the faults of the bench itself.
func (b *Bench) SetOwnFaults(faults Faults) error {
	if faults.Bounces < 0 {
		return fmt.Errorf("a button cannot bounce %d times", faults.Bounces)
	}
	for name := range faults.Ports {
		if _, err := b.bay(name); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = faults
	b.random = rand.New(rand.NewPCG(faults.Seed, 0))
	return nil
}

// SetFaults replaces the faults of a board.
func (b *Bench) SetFaults(name string, faults virtualduo.Faults) error {
	bay, err := b.bay(name)
	if err != nil {
		return err
	}
	return bay.Board.SetFaults(faults)
}

// DropHub takes all boards off the bus for a time, and returns at once.
func (b *Bench) DropHub(gone time.Duration) error {
	if gone <= 0 {
		return errors.New("a hub that drops its ports stays away for a time")
	}
	b.mu.Lock()
	b.record(Event{What: "hub", Detail: "away for " + gone.String()})
	b.mu.Unlock()
	for _, bay := range b.bays {
		bay.Board.SetLinked(false)
	}
	time.AfterFunc(gone, func() {
		for _, bay := range b.bays {
			bay.Board.SetLinked(true)
		}
	})
	return nil
}

// portOf is where the board of a bay enumerates; mu is held.
func (b *Bench) portOf(from *bay) string {
	if port, wrong := b.faults.Ports[from.Name]; wrong {
		return port
	}
	return from.Port
}

// bounces are the closings of the contact of which a press consists; mu is held.
func (b *Bench) bounces(held time.Duration) []time.Duration {
	bounce := func() (times []time.Duration) {
		for range b.faults.Bounces {
			times = append(times, time.Duration(1+b.random.Int64N(int64(longestBounce))))
		}
		return times
	}
	return append(append(bounce(), held), bounce()...)
}
