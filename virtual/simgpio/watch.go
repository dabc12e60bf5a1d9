package simgpio

import (
	"context"
	"time"
)

// watchPeriod is how often pins are looked at: their files in sysfs cannot be
// waited for. The shortest pulse of a gesture is 20 ms.
const watchPeriod = time.Millisecond

// Watch tells the levels at the beginning and at each change, until ctx ends,
// which is no error, or reading or telling fails.
func Watch(ctx context.Context, read func() (Levels, error), tell func(Levels) error) error {
	last, err := read()
	if err != nil {
		return err
	}
	if err := tell(last); err != nil {
		return err
	}
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		now, err := read()
		if err != nil {
			return err
		}
		if now == last {
			continue
		}
		if err := tell(now); err != nil {
			return err
		}
		last = now
	}
}
