package station

import (
	"sync"
	"time"
)

// busState follows whether the bus can be looked at.
type busState struct {
	mu    sync.Mutex
	err   error     // of the last look
	since time.Time // of the first of the looks that failed
	bad   bool      // it has failed for so long that it is trouble
}

// note takes note of a look. first says that it failed and the one before it
// did not; news, that there is trouble now, or none any more. Single looks may
// fail while a device comes or goes.
func (b *busState) note(err error, now time.Time) (first, news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first = err != nil && b.err == nil
	if first {
		b.since = now
	}
	was := b.bad
	b.err, b.bad = err, err != nil && now.Sub(b.since) >= settleTime
	return first, b.bad != was
}

// trouble is why the bus cannot be looked at, and has not been for a while.
func (b *busState) trouble() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.bad {
		return nil
	}
	return b.err
}
