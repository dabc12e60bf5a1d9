package keystore

import (
	"bytes"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

var eventsBucket = []byte("events") // number: job.Event

// putEvents numbers the events and stores them, for the link too if it is to
// post them.
func putEvents(tx *bolt.Tx, events []job.Event, post bool) error {
	bucket := tx.Bucket(eventsBucket)
	for i := range events {
		number, err := bucket.NextSequence()
		if err != nil {
			return err
		}
		events[i].Number = number
		if err := putJSON(bucket, numberKey(number), events[i]); err != nil {
			return err
		}
		if post {
			if err := putOutbox(tx, events[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Events lists events in order, from the one behind number after, at most
// limit of them.
func (s *Store) Events(after uint64, limit int) ([]job.Event, error) {
	var list []job.Event
	err := s.view("reading the events", func(tx *bolt.Tx) error {
		return readAfter(tx.Bucket(eventsBucket), after, limit, &list)
	})
	return list, err
}

// readAfter reads the numbered rows behind a number.
func readAfter[Row any](b *bolt.Bucket, after uint64, limit int, list *[]Row) error {
	last := numberKey(after)
	cursor := b.Cursor()
	for k, _ := cursor.Seek(last); k != nil && len(*list) < limit; k, _ = cursor.Next() {
		if bytes.Equal(k, last) {
			continue
		}
		var row Row
		if err := getJSON(b, k, &row); err != nil {
			return err
		}
		*list = append(*list, row)
	}
	return nil
}
