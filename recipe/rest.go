package recipe

import (
	"context"
	"sync"
	"time"
)

// restTime is how long a board that is not on the bus is left alone after it
// may have started: it may be making a key, or flashing its bootloader.
const restTime = 60 * time.Second

// lookTime is how often the port is looked at while something is awaited.
const lookTime = 100 * time.Millisecond

// rest knows when a board may have started last.
type rest struct {
	mu    sync.Mutex
	since time.Time
}

// disturb notes that the board may have started that long ago.
func (r *rest) disturb(ago time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = time.Now().Add(-ago)
}

func (r *rest) left() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return restTime - time.Since(r.since)
}

// pause waits, or fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
