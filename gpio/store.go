package gpio

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// MarkerStore keeps the marker of one bay. Only the process that has claimed
// the bay's lines may change it while its phase is not over.
type MarkerStore interface {
	// Read returns the marker's bytes; [fs.ErrNotExist] if there is none.
	Read() ([]byte, error)
	// Write replaces the marker: whoever reads sees the old bytes or the new.
	Write(data []byte) error
	// Remove removes the marker. It is no error if there is none.
	Remove() error
}

// MarkerFile is a marker in the runtime folder, by its path.
type MarkerFile string

var _ MarkerStore = MarkerFile("")

// markerPath returns where the marker of a bay is.
func markerPath(runtimeDir, bay string) MarkerFile {
	return MarkerFile(filepath.Join(runtimeDir, bay+".gesture"))
}

// Read returns the file's bytes.
func (f MarkerFile) Read() ([]byte, error) { return os.ReadFile(string(f)) }

// Write replaces the file by renaming. It does not sync: a marker has to
// outlive a process, not the boot, and a slow disk must not stretch a gesture.
func (f MarkerFile) Write(data []byte) error {
	fresh := string(f) + ".new"
	if err := os.WriteFile(fresh, data, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, string(f))
}

// Remove removes the file.
func (f MarkerFile) Remove() error {
	err := os.Remove(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// save writes a marker.
func save(store MarkerStore, m Marker) error {
	data, err := json.Marshal(m)
	if err == nil {
		err = store.Write(append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the marker: %w", err)
	}
	return nil
}

// load returns the marker of this boot, or nil if there is none. A marker that
// cannot be understood counts as none: the error says why, for the log.
func load(store MarkerStore, clock Clock) (*Marker, error) {
	data, err := store.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the marker: %w", err)
	}
	m, err := ParseMarker(data)
	if err != nil || m.Boot != clock.Boot {
		return nil, err
	}
	if ahead := m.Rose - clock.Monotonic(); ahead > time.Second {
		return nil, fmt.Errorf("the marker's rise is %v in the future", ahead)
	}
	return &m, nil
}
