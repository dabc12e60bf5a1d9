package keystore

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

// The bounds of an outbox where the options say nothing: they hold the events
// and results of some days without a connection.
const (
	DefaultOutboxLetters = 20000
	DefaultOutboxBytes   = 32 << 20
)

// room bounds an outbox.
type room struct{ letters, bytes int }

func newRoom(letters, bytes int) room {
	if letters <= 0 {
		letters = DefaultOutboxLetters
	}
	if bytes <= 0 {
		bytes = DefaultOutboxBytes
	}
	return room{letters, bytes}
}

// gapSize is more than the bytes of an event that tells a gap.
const gapSize = 400

// ample is the room that is left when some was made: making it has its price,
// so it is made for many letters at once. It leaves place for the gap.
func (r room) ample() room { return room{r.letters - r.letters/8 - 1, r.bytes - r.bytes/8 - gapSize} }

// makeRoom drops the oldest events that may go, when there are too many
// letters, and puts one event in their place that tells which are missing.
// Everything else stays, also beyond the bounds.
func (o *outbox) makeRoom() error {
	if o.fits(o.room) {
		return nil
	}
	gap, err := o.drop(o.room.ample())
	if err != nil || gap.Count == 0 {
		return err
	}
	o.Dropped += gap.Count
	if gap, err = o.joinGap(gap); err != nil {
		return err
	}
	event := job.Event{At: o.at, What: job.EventsDropped, Gap: gap}
	o.Gap, err = putEvent(o.tx, &event, o)
	return err
}

// drop takes events away that may go, oldest first, until the rest fits, and
// tells which they were.
func (o *outbox) drop(within room) (job.Gap, error) {
	var gap job.Gap
	rest := o.shelf
	var numbers []uint64 // a cursor does not bear it when what it stands on is deleted
	cursor := o.slips.Cursor()
	for k, _ := cursor.First(); k != nil && !rest.fits(within); k, _ = cursor.Next() {
		var s slip
		if err := getJSON(o.slips, k, &s); err != nil {
			return gap, err
		}
		if !s.Droppable {
			continue
		}
		number, err := numberOf(k)
		if err != nil {
			return gap, err
		}
		numbers = append(numbers, number)
		gap = gap.Join(job.Gap{From: s.Event, To: s.Event, Count: 1})
		rest.Letters--
		rest.Bytes -= s.Size
	}
	for _, n := range numbers {
		if err := o.take(n); err != nil {
			return gap, err
		}
	}
	return gap, nil
}

// joinGap takes the gap away that waits to be told and joins it with another
// one. Its event is missing then too. It is not changed where it stands, for it
// may be on its way, and would then be counted as delivered.
func (o *outbox) joinGap(gap job.Gap) (job.Gap, error) {
	if o.Gap == 0 {
		return gap, nil
	}
	old, err := readLetter(o.tx, numberKey(o.Gap))
	if err != nil {
		return gap, err
	}
	if old.Event == nil {
		return gap, fmt.Errorf("%w: letter %d tells no gap", errDamaged, o.Gap)
	}
	number := old.Event.Number
	gap = gap.Join(old.Event.Gap).Join(job.Gap{From: number, To: number, Count: 1})
	return gap, o.take(o.Gap)
}

// OutboxStats tells how full the outbox is.
type OutboxStats struct {
	Letters int        `json:"letters"`
	Bytes   int        `json:"bytes"`  // of what they tell, in JSON
	Oldest  *job.Stamp `json:"oldest"` // when the oldest came in; null when none waits
	Dropped uint64     `json:"dropped"`

	// Full says that the bounds are passed, by what must not be dropped.
	Full bool `json:"full"`
}

// OutboxStats tells how full the outbox is.
func (s *Store) OutboxStats() (OutboxStats, error) {
	var stats OutboxStats
	err := s.view("looking at the outbox", func(tx *bolt.Tx) error {
		o, err := s.openOutbox(tx)
		if err != nil {
			return err
		}
		stats = OutboxStats{Letters: o.Letters, Bytes: o.Bytes, Dropped: o.Dropped, Full: !o.fits(o.room)}
		if k, _ := o.slips.Cursor().First(); k != nil {
			var oldest slip
			err = getJSON(o.slips, k, &oldest)
			stats.Oldest = &oldest.At
		}
		return err
	})
	return stats, err
}
