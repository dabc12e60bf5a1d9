package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"duogateway/job"
)

// listen opens the local socket. One that a dead daemon left is replaced.
func listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the local socket: %w", err)
	}
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("opening the local socket: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // its group may use the station
		return nil, errors.Join(fmt.Errorf("opening the local socket: %w", err), listener.Close())
	}
	return listener, nil
}

// clearSocket removes the socket of a dead daemon. Only a socket on which
// nobody listens is one: a daemon may be too busy to answer, and a wrong path
// in the configuration must not cost a file.
func clearSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("opening the local socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("opening the local socket: %s is there, and is no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(job.Failf(job.StoreInUse, "another daemon listens on %s", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return job.Failf(job.StoreInUse, "another daemon may listen on %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("removing an old local socket: %w", err)
	}
	return nil
}
