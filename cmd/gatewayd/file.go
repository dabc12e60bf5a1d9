package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readFile reads a file, but no more of it than one byte above limit: enough
// for its reader to see that it is too long.
func readFile(name string, limit int) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from
	content, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	return content, nil
}

// writeNewFile writes a file that is not there yet, for its owner alone, and
// has it on disk when it returns. It never writes over anything: not over a
// file, which may be the only copy of a key, and not to a terminal.
func writeNewFile(name string, content []byte) (err error) {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; nothing was written", name)
	}
	if err != nil {
		return fmt.Errorf("creating the file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(name) // half a key would be taken for one
		}
	}()
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
