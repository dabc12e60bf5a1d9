//go:build guest

package guest

import (
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"duogateway/virtual/simgpio"
)

// chipLabel is that of the chip that a guest has.
const chipLabel = "pinctrl-bcm2711"

// tracing is all that the kernel does with the pins, while the tests run.
type tracing struct {
	trace *simgpio.Trace
	ended chan struct{}
	turn  sync.Mutex    // of who waits for a mark
	marks chan struct{} // that was told

	mu        sync.Mutex
	events    []simgpio.Event
	listeners []func(simgpio.Event)
	err       error
}

func startTracing() (*tracing, error) {
	trace, err := simgpio.Kernel{}.Trace(chipLabel)
	if err != nil {
		return nil, err
	}
	t := &tracing{trace: trace, ended: make(chan struct{}), marks: make(chan struct{})}
	go t.read()
	return t, nil
}

// stop ends the tracing and says whether it has seen everything.
func (t *tracing) stop() error {
	t.trace.Interrupt()
	<-t.ended
	return errors.Join(t.err, t.trace.Close())
}

func (t *tracing) read() {
	defer close(t.ended)
	for {
		event, err := t.trace.Next()
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			t.err = err
			return
		}
		if event.Change == simgpio.Marked {
			t.marks <- struct{}{}
			continue
		}
		for _, tell := range t.take(event) {
			if tell != nil {
				tell(event)
			}
		}
	}
}

// take stores an event and returns who is to be told.
func (t *tracing) take(event simgpio.Event) []func(simgpio.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, event)
	return slices.Clone(t.listeners)
}

// listen tells all further events, until stop is called.
func (t *tracing) listen(tell func(simgpio.Event)) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := len(t.listeners)
	t.listeners = append(t.listeners, tell)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.listeners[number] = nil
	}
}

// of returns all that became of some lines since a moment, until now.
func (t *tracing) of(since time.Duration, lines ...string) (found []simgpio.Event) {
	t.sync()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, event := range t.events {
		if event.At >= since && slices.Contains(lines, lineOf(event)) {
			found = append(found, event)
		}
	}
	return found
}

// sync waits until all is told that has happened by now.
func (t *tracing) sync() {
	t.turn.Lock()
	defer t.turn.Unlock()
	if t.trace.Mark() == nil {
		select {
		case <-t.marks:
		case <-t.ended:
		}
	}
}
