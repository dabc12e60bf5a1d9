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

// errFallen is damage that bbolt fell over.
var errFallen = fmt.Errorf("%w", errDamaged)

// guarded turns the panics of bbolt over damage into errors, and so the faults
// of the processor: the file is mapped into memory, and what it refers to may
// lie behind its end.
func guarded(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errFallen, p)
		}
	}()
	return do()
}

func (s *Store) view(doing string, read func(*bolt.Tx) error) error {
	return failure(doing, guarded(func() error { return s.db.View(read) }))
}

// update is the end of writing when bbolt falls: it may keep its lock then, and
// who wants it next would wait for ever.
func (s *Store) update(doing string, write func(*bolt.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.fallen != nil {
		return failure(doing, s.fallen)
	}
	err := guarded(func() error { return s.db.Update(write) })
	if errors.Is(err, errFallen) {
		s.fallen = err
	}
	return failure(doing, err)
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
