package keystore

import (
	"cmp"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

var tallyField = []byte("tally") // in meta: []Count

// Count is how many jobs of a kind have ended in one way.
type Count struct {
	Kind job.Kind `json:"kind"` // empty for all kinds that the station does not know
	End  string   `json:"end"`  // the verdict, or the final state of a job without one
	Jobs uint64   `json:"jobs"`
}

// Tally counts the jobs that are over, by kind and end and in that order. It is
// part of the transaction that ends a job: a job that was interrupted and taken
// up again counts once, and a power cut loses none.
func (s *Store) Tally() ([]Count, error) {
	var counts []Count
	err := s.view("counting the jobs", func(tx *bolt.Tx) error {
		return getJSON(tx.Bucket(metaBucket), tallyField, &counts)
	})
	return counts, err
}

// countEnd counts a job that comes to its end. What others may have made up as
// a kind has no count of its own.
func countEnd(tx *bolt.Tx, j job.Job) error {
	if !j.State.Final() {
		return nil
	}
	meta := tx.Bucket(metaBucket)
	var counts []Count
	if err := getJSON(meta, tallyField, &counts); err != nil {
		return err
	}
	one := Count{Kind: j.Kind, End: cmp.Or(string(j.Verdict), string(j.State)), Jobs: 1}
	if !one.Kind.Known() {
		one.Kind = ""
	}
	place, found := slices.BinarySearchFunc(counts, one, byKindAndEnd)
	if found {
		counts[place].Jobs++
	} else {
		counts = slices.Insert(counts, place, one)
	}
	return putJSON(meta, tallyField, counts)
}

func byKindAndEnd(a, b Count) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.End, b.End))
}
