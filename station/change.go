package station

import "sync"

// bells tell several listeners that something has changed.
type bells struct {
	mu  sync.Mutex
	all map[chan struct{}]bool
}

func (b *bells) add() (<-chan struct{}, func()) {
	bell := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = make(map[chan struct{}]bool)
	}
	b.all[bell] = true
	return bell, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.all, bell)
	}
}

// ring never blocks: a bell that still rings says all that there is to say.
func (b *bells) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for bell := range b.all {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
}
