package keystore

import (
	"errors"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

// errDamaged is the cause of every error over what a sound store cannot hold.
var errDamaged = errors.New("the store is damaged")

// guarded turns the panics of bbolt over damage into errors, and so the faults
// of the processor: the file is mapped into memory, and what it refers to may
// lie behind its end.
func guarded(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return do()
}

func (s *Store) view(doing string, read func(*bolt.Tx) error) error {
	return failure(doing, guarded(func() error { return s.db.View(read) }))
}

func (s *Store) update(doing string, write func(*bolt.Tx) error) error {
	return failure(doing, guarded(func() error { return s.db.Update(write) }))
}

func failure(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errDamaged):
		return job.Failf(job.StoreDamaged, "%s: %w", doing, err)
	default:
		return job.Failf(job.StoreFailed, "%s: %w", doing, err)
	}
}
