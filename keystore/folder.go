package keystore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"duogateway/job"
	"duogateway/keystore/seal"
)

// lockPause is how often a lock is looked at that another process holds.
const lockPause = 20 * time.Millisecond

// makeFolder makes a folder and what is missing above it, each for its owner
// alone, and puts their names on the disk: a synced file in a folder that a
// power cut takes away is lost too.
func makeFolder(path string) error {
	if isFolder(path) {
		return nil
	}
	above := filepath.Dir(path)
	if above != path {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !isFolder(path) {
		return err
	}
	return seal.SyncFolder(above)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// lockFolder keeps other processes from opening the store at the same time, so
// that only one makes what is missing. Closing the folder ends the lock.
func lockFolder(path string) (*os.File, error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, job.Failf(job.StoreFailed, "opening the store folder: %w", err)
	}
	err = lock(folder)
	if err == nil {
		return folder, nil
	}
	err = errors.Join(fmt.Errorf("locking the store folder %s: %w", path, err), folder.Close())
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, job.Failf(job.StoreInUse, "%w", err)
	}
	return nil, job.Failf(job.StoreFailed, "%w", err)
}

func lock(file *os.File) error {
	for start := time.Now(); ; time.Sleep(lockPause) {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Since(start) > lockTimeout {
			return err
		}
	}
}
