package keystore

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

var (
	outboxBucket = []byte("outbox") // number: slip
	outboxField  = []byte("outbox") // in meta: shelf
)

// slip stands in the outbox for a letter. What the letter tells is read from
// where it is kept when the letter is, so that it is on the disk once.
type slip struct {
	Kind      job.LetterKind `json:"kind"`
	Job       string         `json:"job,omitempty"`   // its id
	Event     uint64         `json:"event,omitempty"` // its number
	Answer    *job.Answer    `json:"answer,omitempty"`
	Droppable bool           `json:"droppable,omitempty"`
	Size      int            `json:"size"` // bytes of what it tells
	At        job.Stamp      `json:"at"`   // when it came in
}

// shelf is what is known of the whole outbox.
type shelf struct {
	Letters int    `json:"letters"`
	Bytes   int    `json:"bytes"`
	Gap     uint64 `json:"gap"`     // the letter that tells what was dropped; 0 when none waits
	Dropped uint64 `json:"dropped"` // events ever
}

func (s shelf) fits(r room) bool { return s.Letters <= r.letters && s.Bytes <= r.bytes }

// outbox is the outbox inside one transaction. It takes nothing when the store
// is not to post.
type outbox struct {
	shelf
	tx    *bolt.Tx
	slips *bolt.Bucket
	post  bool
	room  room
	at    job.Stamp // when the newest letter came in
}

func (s *Store) openOutbox(tx *bolt.Tx) (*outbox, error) {
	o := &outbox{tx: tx, slips: tx.Bucket(outboxBucket), post: s.post, room: s.room}
	return o, getJSON(tx.Bucket(metaBucket), outboxField, &o.shelf)
}

// close makes room if there is too little, and writes down how things stand.
func (o *outbox) close() error {
	if err := o.makeRoom(); err != nil {
		return err
	}
	return putJSON(o.tx.Bucket(metaBucket), outboxField, o.shelf)
}

// put adds a letter behind all others and returns its number; 0 when there is
// no link.
func (o *outbox) put(s slip) (uint64, error) {
	if !o.post {
		return 0, nil
	}
	number, err := o.slips.NextSequence()
	if err != nil {
		return 0, err
	}
	o.Letters++
	o.Bytes += s.Size
	o.at = s.At
	return number, putJSON(o.slips, numberKey(number), s)
}

// take takes a letter away. One that is not there any more is passed over.
func (o *outbox) take(number uint64) error {
	key := numberKey(number)
	if o.slips.Get(key) == nil {
		return nil
	}
	var s slip
	if err := getJSON(o.slips, key, &s); err != nil {
		return err
	}
	o.Letters--
	o.Bytes -= s.Size
	if number == o.Gap {
		o.Gap = 0
	}
	return o.slips.Delete(key)
}

func (o *outbox) tellEvent(e job.Event, size int) (uint64, error) {
	return o.put(slip{Kind: job.EventLetter, Event: e.Number, Droppable: e.What.Progress(), Size: size, At: e.At})
}

// tellJob puts the newest state of a job behind all other letters. An earlier
// state that still waits says nothing more; it is taken away and not changed,
// for it may be on its way, and would then be counted as delivered.
func (o *outbox) tellJob(row *journalled, at job.Stamp) error {
	size, err := sizeOf(row.Job)
	if err != nil || !o.post {
		return err
	}
	if err := o.take(row.Letter); err != nil {
		return err
	}
	row.Letter, err = o.put(slip{Kind: job.JobLetter, Job: row.Job.ID, Size: size, At: at})
	return err
}

// Outbox lists the letters that wait, oldest first, at most limit of them.
func (s *Store) Outbox(limit int) ([]job.Letter, error) {
	var list []job.Letter
	err := s.view("reading the outbox", func(tx *bolt.Tx) error {
		cursor := tx.Bucket(outboxBucket).Cursor()
		for k, _ := cursor.First(); k != nil && len(list) < limit; k, _ = cursor.Next() {
			letter, err := readLetter(tx, k)
			if err != nil {
				return err
			}
			list = append(list, letter)
		}
		return nil
	})
	return list, err
}

func readLetter(tx *bolt.Tx, key []byte) (job.Letter, error) {
	var s slip
	if err := getJSON(tx.Bucket(outboxBucket), key, &s); err != nil {
		return job.Letter{}, err
	}
	number, err := numberOf(key)
	letter := job.Letter{Number: number, Kind: s.Kind, Answer: s.Answer, Droppable: s.Droppable}
	if err != nil {
		return letter, err
	}
	switch s.Kind {
	case job.EventLetter:
		letter.Event, err = readEvent(tx, s.Event)
	case job.JobLetter:
		letter.Job, err = readJob(tx, []byte(s.Job))
	case job.AnswerLetter:
		if s.Answer == nil {
			err = fmt.Errorf("%w: letter %d tells nothing", errDamaged, letter.Number)
		}
	default:
		err = fmt.Errorf("%w: letter %d is of no known kind", errDamaged, letter.Number)
	}
	return letter, err
}

// Delivered deletes letters that have arrived. Numbers that are not there any
// more are passed over.
func (s *Store) Delivered(numbers ...uint64) error {
	return s.update("clearing the outbox", func(tx *bolt.Tx) error {
		o, err := s.openOutbox(tx)
		if err != nil {
			return err
		}
		for _, n := range numbers {
			if err := o.take(n); err != nil {
				return err
			}
		}
		return putJSON(tx.Bucket(metaBucket), outboxField, o.shelf)
	})
}

// Tell puts an answer into the outbox that no job tells. It fails with
// OutboxFull when it could be kept only by going beyond the bounds: who asks
// then has to be kept waiting.
func (s *Store) Tell(a job.Answer) error {
	size, err := sizeOf(a)
	if err != nil {
		return job.Failf(job.Internal, "writing an answer: %w", err)
	}
	err = s.mail("writing an answer", func(o *outbox) error {
		if _, err := o.put(slip{Kind: job.AnswerLetter, Answer: &a, Size: size, At: a.At}); err != nil {
			return err
		}
		if err := o.makeRoom(); err != nil || o.fits(o.room) {
			return err
		}
		return errFull
	})
	if errors.Is(err, errFull) {
		return job.Failf(job.OutboxFull, "writing an answer: %w", errFull)
	}
	return err
}

var errFull = errors.New("the outbox is full")

// Retell puts the newest state of a job into the outbox once more: somebody has
// asked for the job again. It fails with UnknownJob when there is none.
func (s *Store) Retell(id string, at job.Stamp) error {
	found := true
	err := s.mail("telling job "+id+" again", func(o *outbox) error {
		jobs := o.tx.Bucket(jobsBucket)
		var row journalled
		if err := getJSON(jobs, []byte(id), &row); err != nil {
			return err
		}
		if found = row.Number != 0; !found {
			return nil
		}
		return errors.Join(o.tellJob(&row, at), putJSON(jobs, []byte(id), row))
	})
	if err == nil && !found {
		return job.Failf(job.UnknownJob, "telling job %q again: there is none", id)
	}
	return err
}

// mail changes the outbox in a transaction of its own.
func (s *Store) mail(doing string, write func(*outbox) error) error {
	err := s.update(doing, func(tx *bolt.Tx) error {
		o, err := s.openOutbox(tx)
		if err != nil {
			return err
		}
		if err := write(o); err != nil {
			return err
		}
		return o.close()
	})
	if err == nil {
		s.callPostman()
	}
	return err
}

// Changed holds a token when letters may have come in since it was last read.
// It is for one reader.
func (s *Store) Changed() <-chan struct{} { return s.changed }

func (s *Store) callPostman() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
