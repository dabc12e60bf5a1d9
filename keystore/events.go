package keystore

import (
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
		return readFrom(tx.Bucket(eventsBucket), after+1, limit, &list)
	})
	return list, err
}

// readFrom reads numbered rows from a number on.
func readFrom[Row any](b *bolt.Bucket, first uint64, limit int, list *[]Row) error {
	cursor := b.Cursor()
	for k, _ := cursor.Seek(numberKey(first)); k != nil && len(*list) < limit; k, _ = cursor.Next() {
		var row Row
		if err := getJSON(b, k, &row); err != nil {
			return err
		}
		*list = append(*list, row)
	}
	return nil
}
