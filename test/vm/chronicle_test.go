//go:build vm

package vm_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// chronicle is what happened, in one order, from wherever it is told. The zero
// value is empty.
type chronicle struct {
	mu      sync.Mutex
	entries []entry
	more    chan struct{} // closed by the next entry
}

type entry struct {
	at   time.Time
	text string
}

// tell adds an entry.
func (c *chronicle) tell(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = append(c.entries, entry{time.Now(), text})
	if c.more != nil {
		close(c.more)
		c.more = nil
	}
}

// now is the number of entries so far: where what is told next will be.
func (c *chronicle) now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}

// find returns whether an entry from a number on has a text in it, else a
// channel that is closed when there are more entries.
func (c *chronicle) find(from int, text string) (bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries[from:] {
		if strings.Contains(e.text, text) {
			return true, nil
		}
	}
	if c.more == nil {
		c.more = make(chan struct{})
	}
	return false, c.more
}

// await waits for an entry, from a number on, that has a text in it.
func (c *chronicle) await(ctx context.Context, from int, text string) error {
	for {
		found, more := c.find(from, text)
		if found {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %q: %w", text, context.Cause(ctx))
		}
	}
}

// String is all of it, with the time since the first entry.
func (c *chronicle) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all strings.Builder
	for _, e := range c.entries {
		fmt.Fprintf(&all, "%8.3f %s\n", e.at.Sub(c.entries[0].at).Seconds(), e.text)
	}
	return all.String()
}
