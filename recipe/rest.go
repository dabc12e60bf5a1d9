package recipe

import (
	"context"
	"time"
)

// restTime is how long a board that is not on the bus is left alone. It may
// have started just now, by a RESET of ours or by a plug that nobody saw, and
// may be making a key or flashing its bootloader.
const restTime = 60 * time.Second

// lookTime is how often the port is looked at while something is awaited.
const lookTime = 100 * time.Millisecond

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
