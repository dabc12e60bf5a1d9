package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
	"duogateway/keystore/seal"
)

// The files of a store, in its folder.
const (
	StoreFile    = "store.db"
	IdentityFile = "identity"
)

// lockTimeout is how long Open waits for another process to let a lock go.
const lockTimeout = time.Second

// Store is an open store. It may be used by several goroutines.
type Store struct {
	db     *bolt.DB
	sealer *seal.Sealer
	post   bool
	room   room

	changed chan struct{} // see Changed

	writing sync.Mutex
	fallen  error // the damage that bbolt fell over in writing
}

// Options are the choices of a store.
type Options struct {
	// Escrow lists the age recipients that every record is sealed to beside
	// the station itself.
	Escrow []string

	// Post puts each event and each new state of a job into the outbox too.
	// Without a link that drains it the outbox would fill up.
	Post bool

	// OutboxLetters and OutboxBytes bound the outbox: how many letters it holds,
	// and how many bytes of JSON they tell. 0 means DefaultOutboxLetters and
	// DefaultOutboxBytes.
	OutboxLetters, OutboxBytes int
}

// Open opens the store in a folder, and makes both when they are missing.
// Exactly one process can have it open. Errors have the codes StoreInUse,
// StoreDamaged, RecordUnreadable and StoreFailed; a file that cannot be opened
// is left as it is. Damage that Open does not look at is found when it is met:
// every method fails with StoreDamaged then.
func Open(folder string, opts Options) (*Store, error) {
	if err := makeFolder(folder); err != nil {
		return nil, job.Failf(job.StoreFailed, "making the store folder: %w", err)
	}
	lock, err := lockFolder(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }()
	sealer, err := openSealer(folder, opts.Escrow)
	if err != nil {
		return nil, err
	}
	db, err := openOrCreate(folder)
	if err != nil {
		return nil, err
	}
	return &Store{
		db: db, sealer: sealer, post: opts.Post, room: newRoom(opts.OutboxLetters, opts.OutboxBytes),
		changed: make(chan struct{}, 1),
	}, nil
}

// openSealer makes an identity only for a folder that has no store yet: with
// a store, a new identity could open none of its records.
func openSealer(folder string, escrow []string) (*seal.Sealer, error) {
	path := filepath.Join(folder, IdentityFile)
	sealer, err := seal.Load(path, escrow)
	if errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(folder, StoreFile)) {
		sealer, err := seal.Create(path, escrow)
		if err != nil {
			return nil, job.Failf(job.StoreFailed, "making the store in %s: %w", folder, err)
		}
		return sealer, nil
	}
	if err != nil {
		return nil, job.Failf(job.RecordUnreadable, "opening the store in %s: %w", folder, err)
	}
	return sealer, nil
}

func openOrCreate(folder string) (*bolt.DB, error) {
	path := filepath.Join(folder, StoreFile)
	if !exists(path) {
		if err := create(path); err != nil {
			return nil, job.Failf(job.StoreFailed, "making the store %s: %w", path, err)
		}
	}
	// Not only for what was made now: the start that made it may have died
	// before it came to this.
	if err := seal.SyncFolder(folder); err != nil {
		return nil, job.Failf(job.StoreFailed, "opening the store in %s: %w", folder, err)
	}
	return openFile(path)
}

// exists is on the safe side: what cannot be looked at is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Close lets the file go. A store that a write has found damaged is let go of
// only at the end of the process; Close then fails with StoreDamaged.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.fallen != nil {
		return failure("closing the store", s.fallen)
	}
	return failure("closing the store", s.db.Close())
}

// Check reads the whole file and reports the first damage that it finds, with
// the code StoreDamaged.
func (s *Store) Check() error {
	return s.view("checking the store", func(tx *bolt.Tx) error {
		if err := touch(tx); err != nil {
			return err
		}
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = fmt.Errorf("%w: %w", errDamaged, err)
			}
		}
		return first
	})
}

// touch reads every page. Faults are caught here, but could not be in the
// goroutine of tx.Check.
func touch(tx *bolt.Tx) error {
	return tx.ForEach(func(_ []byte, b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			bytes.Clone(k)
			bytes.Clone(v)
			return nil
		})
	})
}

// Commit stores an entry, all of it or nothing. It returns when the entry is
// on the disk, with its events numbered, and those of new records added. With
// Post, letters go into the outbox in the same transaction: the events, and then
// the job as it is now, in place of an earlier state of it that still waits.
func (s *Store) Commit(e *job.Entry) error {
	sealed, err := s.sealAll(e.Records)
	if err != nil {
		return err
	}
	var events []job.Event
	err = s.mail("writing the journal of job "+e.Job.ID, func(o *outbox) error {
		fresh, err := putRecords(o.tx, sealed)
		if err != nil {
			return err
		}
		events = append(recordEvents(fresh, e.Job), e.Events...)
		return errors.Join(
			putEvents(o.tx, events, o),
			putJob(o.tx, e, o),
			countEnd(o.tx, e.Job),
			putAudit(o.tx, e.Audit),
		)
	})
	if err != nil {
		return err
	}
	e.Events = events
	return nil
}

func putJSON(b *bolt.Bucket, key []byte, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

// sizeOf is how many bytes of JSON a value is.
func sizeOf(value any) (int, error) {
	text, err := json.Marshal(value)
	return len(text), err
}

// getJSON leaves value alone when the key is missing.
func getJSON(b *bolt.Bucket, key []byte, value any) error {
	text := b.Get(key)
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%w: entry %q: %w", errDamaged, key, err)
	}
	return nil
}
