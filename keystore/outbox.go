package keystore

import (
	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

var outboxBucket = []byte("outbox") // number: Letter

// Letter is an event that waits to be carried away.
type Letter struct {
	Number uint64    `json:"number"`
	Event  job.Event `json:"event"`
}

func putOutbox(tx *bolt.Tx, event job.Event) error {
	outbox := tx.Bucket(outboxBucket)
	number, err := outbox.NextSequence()
	if err != nil {
		return err
	}
	return putJSON(outbox, numberKey(number), Letter{Number: number, Event: event})
}

// Outbox lists the letters that wait, oldest first, at most limit of them.
func (s *Store) Outbox(limit int) ([]Letter, error) {
	var list []Letter
	err := s.view("reading the outbox", func(tx *bolt.Tx) error {
		return readAfter(tx.Bucket(outboxBucket), 0, limit, &list)
	})
	return list, err
}

// Delivered deletes letters that have arrived. Numbers that are not there any
// more are passed over.
func (s *Store) Delivered(numbers ...uint64) error {
	return s.update("clearing the outbox", func(tx *bolt.Tx) error {
		for _, n := range numbers {
			if err := tx.Bucket(outboxBucket).Delete(numberKey(n)); err != nil {
				return err
			}
		}
		return nil
	})
}
