//go:build guest

package guest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// Tests run at the same time, each with ports and lines of its own.
var (
	// Each is on a root hub of its own, with the buses of super speed between
	// them: a kernel attends to one port of a hub at a time, half a second each.
	usbPorts = newPool("1-1", "3-1", "5-1", "7-1", "9-1", "11-1", "13-1", "15-1")
	// The first 28 lines are on the header of a Raspberry Pi, and what may be
	// done with each is known; those behind are free for any wiring.
	gpioLines = newPool(numbered(28, 53, "GPIO%d")...)
	// Tests that move many bytes do so two at a time: others have to be in time.
	processors = newPool("one", "the other")
)

// numbered makes names with the numbers from first to last.
func numbered(first, last int, format string) (names []string) {
	for n := first; n <= last; n++ {
		names = append(names, fmt.Sprintf(format, n))
	}
	return names
}

// pool lends names, each to one test at a time.
type pool struct {
	mu   sync.Mutex
	back *sync.Cond
	free []string
}

func newPool(names ...string) *pool {
	p := &pool{free: names}
	p.back = sync.NewCond(&p.mu)
	return p
}

// take takes some names at once, and waits until there are as many. They go
// back at the end of the test.
func (p *pool) take(t *testing.T, count int) []string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) < count {
		p.back.Wait()
	}
	taken := slices.Clone(p.free[:count])
	p.free = p.free[count:]
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = append(p.free, taken...)
		p.back.Broadcast()
	})
	return taken
}
