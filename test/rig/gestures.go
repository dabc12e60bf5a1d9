package rig

import (
	"context"
	"errors"
	"sync"
	"time"

	"duogateway/cmd/virtualbench/parts"
	"duogateway/gpio"
	"duogateway/virtual/remote"
)

// Gestures makes the gestures of one bay in this process.
type Gestures struct {
	// Fail, when it is set, is returned by the next gestures in turn; nothing
	// is driven for it.
	Fail []error

	// Before, when it is set, is called before each gesture to DFU mode.
	Before func()

	open  gpio.OpenPin
	hold  time.Duration
	began time.Time

	mu     sync.Mutex
	marker []byte
}

func newGestures(bench *remote.Bench, hold time.Duration) *Gestures {
	return &Gestures{open: parts.Pins(bench), hold: hold, began: time.Now()}
}

func (g *Gestures) clock() gpio.Clock {
	return gpio.Clock{Boot: Boot, Monotonic: func() time.Duration { return time.Since(g.began) + time.Hour }}
}

func (g *Gestures) lines(bay gpio.Bay) gpio.Lines {
	line := func(name string) *gpio.Line {
		return gpio.NewLine(bay.Wiring, func() (gpio.Pin, error) { return g.open(bay.Chip, name) })
	}
	return gpio.Lines{Reset: line(bay.Reset), Setup: line(bay.Setup)}
}

// EnterDFU makes the gesture.
func (g *Gestures) EnterDFU(_ context.Context, bay gpio.Bay) (gpio.Result, error) {
	if g.Before != nil {
		g.Before()
	}
	if len(g.Fail) > 0 {
		err := g.Fail[0]
		g.Fail = g.Fail[1:]
		return gpio.Result{Bay: bay.Name}, err
	}
	return g.run(bay, (*gpio.Child).EnterDFU)
}

// Reset pulses RESET.
func (g *Gestures) Reset(_ context.Context, bay gpio.Bay) error {
	_, err := g.run(bay, (*gpio.Child).Reset)
	return err
}

func (g *Gestures) run(bay gpio.Bay, act func(*gpio.Child) (gpio.Marker, gpio.Ending, error)) (gpio.Result, error) {
	clock := g.clock()
	child := &gpio.Child{Lines: g.lines(bay), Store: g, Clock: clock, Gesture: gpio.Gesture{Hold: g.hold}, Self: gpio.ProcessID{PID: 1}}
	m, ending, err := act(child)
	err = errors.Join(err, child.Lines.Close())
	if err != nil {
		return gpio.Result{Bay: bay.Name}, err
	}
	err = gpio.Conclude(g, &m, ending)
	result := gpio.Result{
		Bay: bay.Name, Outcome: ending.Outcome, SinceRise: clock.Monotonic() - ending.Rose,
		SafeMode: ending.SafeMode, Warning: ending.Warning,
	}
	return result, errors.Join(err, result.Err())
}

// CleanUp lets the lines go.
func (g *Gestures) CleanUp(_ context.Context, bays ...gpio.Bay) ([]gpio.Result, error) {
	var results []gpio.Result
	for _, bay := range bays {
		results = append(results, gpio.Result{Bay: bay.Name, Outcome: gpio.Idle})
	}
	return results, nil
}

// Acknowledge does nothing: no ending outlives a gesture here.
func (g *Gestures) Acknowledge(string) error { return nil }

// Write, Read and Remove keep the marker in memory.
func (g *Gestures) Write(data []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.marker = data
	return nil
}

// Read returns the marker.
func (g *Gestures) Read() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.marker, nil
}

// Remove forgets the marker.
func (g *Gestures) Remove() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.marker = nil
	return nil
}
