package gpio

import (
	"context"
	"sync"
)

// bayLocks lets one gesture at a time at each bay. The zero value is ready.
type bayLocks struct {
	mu   sync.Mutex
	bays map[string]chan struct{}
}

// tryLock takes the bay, or says that it is taken.
func (l *bayLocks) tryLock(bay string) (unlock func(), ok bool) {
	lock := l.of(bay)
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, true
	default:
		return nil, false
	}
}

// lock waits for the bay until ctx ends.
func (l *bayLocks) lock(ctx context.Context, bay string) (unlock func(), err error) {
	lock := l.of(bay)
	select {
	case lock <- struct{}{}:
		return func() { <-lock }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *bayLocks) of(bay string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bays == nil {
		l.bays = map[string]chan struct{}{}
	}
	if l.bays[bay] == nil {
		l.bays[bay] = make(chan struct{}, 1)
	}
	return l.bays[bay]
}
