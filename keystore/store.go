package keystore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"duogateway/job"
	"duogateway/keystore/seal"
)

// The files of a store, in its folder.
const (
	StoreFile    = "store.db"
	IdentityFile = "identity"
)

// format is the version of the layout of the buckets.
const format = 1

// pageSize is fixed, so that a file made on a kernel with 16 KiB pages opens
// on one with 4 KiB pages.
const pageSize = 4096

// lockTimeout is how long Open waits for another process to let the file go.
const lockTimeout = time.Second

var (
	metaBucket  = []byte("meta")
	formatField = []byte("format")
)

// Store is an open store. It may be used by several goroutines.
type Store struct {
	db     *bolt.DB
	sealer *seal.Sealer
	post   bool
}

// Options are the choices of a store.
type Options struct {
	// Escrow lists the age recipients that every record is sealed to beside
	// the station itself.
	Escrow []string

	// Post puts each event into the outbox too. Without a link that drains it
	// the outbox would grow for ever.
	Post bool
}

// Open opens the store in a folder, and makes both when they are missing.
// Exactly one process can have it open. Errors have the codes StoreInUse,
// StoreDamaged, RecordUnreadable and StoreFailed; a file that cannot be opened
// is left as it is.
func Open(folder string, opts Options) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, job.Failf(job.StoreFailed, "making the store folder: %w", err)
	}
	sealer, err := openSealer(folder, opts.Escrow)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, StoreFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, job.Failf(job.StoreFailed, "making the store %s: %w", path, err)
		}
	}
	db, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, sealer: sealer, post: opts.Post}, nil
}

// openSealer makes an identity only for a folder that has no store yet: with
// a store, a new identity could open none of its records.
func openSealer(folder string, escrow []string) (*seal.Sealer, error) {
	path := filepath.Join(folder, IdentityFile)
	sealer, err := seal.Load(path, escrow)
	if errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(folder, StoreFile)) {
		sealer, err = seal.Create(path, escrow)
	}
	if err != nil {
		return nil, job.Failf(job.RecordUnreadable, "opening the store in %s: %w", folder, err)
	}
	return sealer, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// create makes the file under another name and renames it when it is whole: a
// power cut during bbolt's very first initialisation can leave a broken file.
func create(path string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(fresh, 0o600, boltOptions())
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(layOut), db.Sync(), db.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return seal.SyncFolder(filepath.Dir(path))
}

func layOut(tx *bolt.Tx) error {
	for _, name := range [][]byte{
		metaBucket, jobsBucket, admissionsBucket, unfinishedBucket, baysBucket,
		recordsBucket, sealedBucket, marksBucket, eventsBucket, outboxBucket, auditBucket,
	} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return putJSON(tx.Bucket(metaBucket), formatField, format)
}

func boltOptions() *bolt.Options {
	return &bolt.Options{Timeout: lockTimeout, PageSize: pageSize, FreelistType: bolt.FreelistMapType}
}

// openFile opens an existing file. bbolt panics on some kinds of damage.
func openFile(path string) (db *bolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, job.Failf(job.StoreDamaged, "opening the store %s: it is damaged: %v", path, p)
		}
	}()
	if err := checkSize(path); err != nil {
		return nil, err
	}
	db, err = bolt.Open(path, 0o600, boltOptions())
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, job.Failf(job.StoreInUse, "opening the store %s: another process has it open", path)
	case errors.Is(err, fs.ErrPermission):
		return nil, job.Failf(job.StoreFailed, "opening the store %s: %w", path, err)
	case err != nil:
		return nil, job.Failf(job.StoreDamaged, "opening the store %s: it is not a key store: %w", path, err)
	}
	if err := db.View(checkFormat); err != nil {
		return nil, errors.Join(job.Failf(job.StoreDamaged, "opening the store %s: %w", path, err), db.Close())
	}
	return db, nil
}

// checkSize refuses an empty file, which bbolt would take for a new store.
func checkSize(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return job.Failf(job.StoreFailed, "opening the store %s: %w", path, err)
	}
	if info.Size() < 2*pageSize {
		return job.Failf(job.StoreDamaged, "opening the store %s: it is only %d bytes long", path, info.Size())
	}
	return nil
}

func checkFormat(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return errors.New("it is not a key store: it has no format number")
	}
	var found int
	if err := getJSON(meta, formatField, &found); err != nil {
		return err
	}
	if found != format {
		return fmt.Errorf("its format is %d, this program knows %d", found, format)
	}
	return nil
}

// Close lets the file go.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return job.Failf(job.StoreFailed, "closing the store: %w", err)
	}
	return nil
}

// Check reads the whole file and reports the first damage that it finds.
func (s *Store) Check() error {
	return s.view("checking the store", func(tx *bolt.Tx) error {
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = err
			}
		}
		return first
	})
}

// Commit stores an entry, all of it or nothing, and numbers its events. It
// returns when the entry is on the disk.
func (s *Store) Commit(e *job.Entry) error {
	sealed, err := s.sealAll(e.Records)
	if err != nil {
		return err
	}
	err = s.db.Update(func(tx *bolt.Tx) error {
		fresh, err := putRecords(tx, sealed)
		if err != nil {
			return err
		}
		e.Events = append(recordEvents(fresh, e.Job), e.Events...)
		return errors.Join(
			putJob(tx, e),
			putEvents(tx, e.Events, s.post),
			putAudit(tx, e.Audit),
		)
	})
	if err != nil {
		return job.Failf(job.StoreFailed, "writing the journal of job %s: %w", e.Job.ID, err)
	}
	return nil
}

func (s *Store) view(doing string, read func(*bolt.Tx) error) error {
	if err := s.db.View(read); err != nil {
		return job.Failf(job.StoreFailed, "%s: %w", doing, err)
	}
	return nil
}

func putJSON(b *bolt.Bucket, key []byte, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

// getJSON leaves value alone when the key is missing.
func getJSON(b *bolt.Bucket, key []byte, value any) error {
	text := b.Get(key)
	if text == nil {
		return nil
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("entry %q: %w", key, err)
	}
	return nil
}
