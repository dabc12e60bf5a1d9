package keystore

import (
	"bytes"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

var eventsBucket = []byte("events") // number: job.Event

// putEvents numbers the events and stores them, and posts them.
func putEvents(tx *bolt.Tx, events []job.Event, o *outbox) error {
	for i := range events {
		if _, err := putEvent(tx, &events[i], o); err != nil {
			return err
		}
	}
	return nil
}

// putEvent returns the number of the event's letter.
func putEvent(tx *bolt.Tx, event *job.Event, o *outbox) (letter uint64, err error) {
	bucket := tx.Bucket(eventsBucket)
	if event.Number, err = bucket.NextSequence(); err != nil {
		return 0, err
	}
	text, err := json.Marshal(event)
	if err != nil {
		return 0, err
	}
	if err := bucket.Put(numberKey(event.Number), text); err != nil {
		return 0, err
	}
	return o.tellEvent(*event, len(text))
}

func readEvent(tx *bolt.Tx, number uint64) (*job.Event, error) {
	var event job.Event
	if err := getJSON(tx.Bucket(eventsBucket), numberKey(number), &event); err != nil {
		return nil, err
	}
	if event.Number != number {
		return nil, fmt.Errorf("%w: event %d is to be told, but is not there", errDamaged, number)
	}
	return &event, nil
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
