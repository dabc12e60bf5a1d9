package vm

import (
	"bytes"
	"io"
	"sync"
)

// A transcript keeps what is written to it, without the carriage returns of a
// terminal, and tells that there is more. The zero value is empty.
type transcript struct {
	copy io.Writer // gets it too, if not nil

	mu   sync.Mutex
	text []byte
	more chan struct{} // closed by the next write
}

// Write never fails: a guest is not to be ended by the one who listens.
func (t *transcript) Write(data []byte) (int, error) {
	plain := bytes.ReplaceAll(data, []byte{'\r'}, nil)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, plain...)
	if t.more != nil {
		close(t.more)
		t.more = nil
	}
	if t.copy != nil {
		_, _ = t.copy.Write(plain)
	}
	return len(data), nil
}

// state returns what was written so far, and a channel that is closed when
// there is more.
func (t *transcript) state() (string, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.more == nil {
		t.more = make(chan struct{})
	}
	return string(t.text), t.more
}

// String is what was written so far.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
