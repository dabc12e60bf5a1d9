package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
	"golang.org/x/sys/unix"

	"duogateway/job"
)

// format is the version of the layout of the buckets.
const format = 1

// pageSize is fixed, so that a file made on a kernel with 16 KiB pages opens
// on one with 4 KiB pages.
const pageSize = 4096

var (
	metaBucket   = []byte("meta")
	formatField  = []byte("format")
	sessionField = []byte("session")
)

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
	return os.Rename(fresh, path)
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

// openFile opens an existing file. When bbolt panics over its list of free
// pages it keeps the file, so the file is closed for it. What stays then is
// mapped memory; it would keep the lock too, were that not let go before.
func openFile(path string) (db *bolt.DB, err error) {
	if err := look(path); err != nil {
		return nil, openError(path, err)
	}
	var file *os.File
	options := boltOptions()
	options.OpenFile = func(name string, flag int, mode fs.FileMode) (_ *os.File, err error) {
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	err = guarded(func() (err error) {
		db, err = bolt.Open(path, 0o600, options)
		return err
	})
	if errors.Is(err, errDamaged) {
		err = errors.Join(err, unix.Flock(int(file.Fd()), unix.LOCK_UN), file.Close())
	}
	if err != nil {
		return nil, openError(path, err)
	}
	return db, nil
}

// look reads what tells a store from another file, without the right to write.
func look(path string) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() < 2*pageSize { // an empty one bbolt would take for a new store
		return fmt.Errorf("%w: it is only %d bytes long", errDamaged, info.Size())
	}
	options := boltOptions()
	options.ReadOnly = true
	db, err := bolt.Open(path, 0, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return guarded(func() error {
		return db.View(func(tx *bolt.Tx) error {
			if size := tx.Size(); size < 0 || size > info.Size() {
				return fmt.Errorf("%w: %d bytes are there of %d", errDamaged, info.Size(), size)
			}
			return checkFormat(tx)
		})
	})
}

func openError(path string, err error) error {
	var refused syscall.Errno
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return job.Failf(job.StoreInUse, "opening the store %s: another process has it open", path)
	case errors.As(err, &refused):
		return job.Failf(job.StoreFailed, "opening the store %s: %w", path, err)
	default:
		return job.Failf(job.StoreDamaged, "opening the store %s: %w", path, err)
	}
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

// Size is how many bytes the file takes.
func (s *Store) Size() (int64, error) {
	info, err := os.Stat(s.db.Path())
	if err != nil {
		return 0, job.Failf(job.StoreFailed, "looking at the size of the store: %w", err)
	}
	return info.Size(), nil
}

// NextSession counts the connections of the station, over restarts too, and
// gives the number of the next one, 1 for the first.
func (s *Store) NextSession() (number uint64, err error) {
	err = s.update("counting a connection", func(tx *bolt.Tx) error {
		meta := tx.Bucket(metaBucket)
		if err := getJSON(meta, sessionField, &number); err != nil {
			return err
		}
		number++
		return putJSON(meta, sessionField, number)
	})
	return number, err
}
