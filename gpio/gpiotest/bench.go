// Package gpiotest is a bench of fake lines for tests of gestures: pins that
// belong to one process at a time, processes that stop and die, a record of
// what the board saw, and [CheckTimeline], which judges it.
//
// It knows what a board must never see, but not how package gpio goes about
// it: it is the other opinion.
package gpiotest

import (
	"fmt"
	"sync"
	"time"

	"duogateway/gpio"
)

// Bench is the two lines of one bay. Its methods may be called at the same
// time.
type Bench struct {
	bay gpio.Bay
	now func() time.Duration

	mu         sync.Mutex
	lines      map[string]*line
	events     []Event
	keepDriven bool
	openInputs bool
	delay      time.Duration
}

// line is a pin and who has it.
type line struct {
	seen  Line
	owner *Process
	state state
	fault error
}

// state is what a pin does.
type state int

const (
	input state = iota
	low
	high
)

// NewBench returns a bench for the lines of a bay. now gives the times of its
// record.
func NewBench(bay gpio.Bay, now func() time.Duration) *Bench {
	return &Bench{bay: bay, now: now, lines: map[string]*line{
		bay.Reset: {seen: Reset},
		bay.Setup: {seen: Setup},
	}}
}

// KeepDriven makes the bench like a kernel without strict_gpiod: a line stays
// as it is when its process dies or closes it.
func (b *Bench) KeepDriven() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keepDriven = true
}

// OpenInputs makes a claimed line an input, as some drivers do.
func (b *Bench) OpenInputs() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.openInputs = true
}

// Delay makes every call to a pin take that long, after it has done its work:
// so does a process that is stopped during a call to the kernel.
func (b *Bench) Delay(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delay = d
}

// Break makes every driving of a line fail with err, and nil repairs it.
func (b *Bench) Break(which Line, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lines {
		if l.seen == which {
			l.fault = err
		}
	}
}

// Timeline returns what the board has seen so far.
func (b *Bench) Timeline() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Event(nil), b.events...)
}

// open claims a line for a process.
func (b *Bench) open(p *Process, chip, name string) (*Pin, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lines[name]
	if l == nil || chip != b.bay.Chip {
		return nil, fmt.Errorf("chip %q has no line %q", chip, name)
	}
	if l.owner != nil {
		return nil, fmt.Errorf("line %q: %w", name, gpio.ErrLinesBusy)
	}
	l.owner = p
	if b.openInputs {
		b.set(l, input, false)
	}
	return &Pin{bench: b, line: l, process: p}, nil
}

// drive changes a line for the process that has it.
func (b *Bench) drive(p *Process, l *line, to state) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.owner != p {
		return fmt.Errorf("%s is not claimed by this process", l.seen)
	}
	if l.fault != nil {
		return l.fault
	}
	b.set(l, to, false)
	return nil
}

// letGo ends a process's claim on a line, nil for all its lines.
func (b *Bench) letGo(p *Process, only *line, died bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.lines {
		if l.owner != p || (only != nil && l != only) {
			continue
		}
		l.owner = nil
		if !b.keepDriven {
			b.set(l, input, died)
		}
	}
}

// set changes a line and records what the board sees of that.
func (b *Bench) set(l *line, to state, died bool) {
	before := b.asserted(l.state)
	l.state = to
	if after := b.asserted(to); after != before {
		b.events = append(b.events, Event{At: b.now(), Line: l.seen, Asserted: after, Died: died})
	}
}

func (b *Bench) asserted(s state) bool {
	if b.bay.Wiring == gpio.FET {
		return s == high
	}
	return s == low
}

// Pin is a claimed line of a [Bench].
type Pin struct {
	bench   *Bench
	line    *line
	process *Process
}

var _ gpio.Pin = (*Pin)(nil)

// Low drives the pin low.
func (p *Pin) Low() error { return p.drive(low) }

// High drives the pin high.
func (p *Pin) High() error { return p.drive(high) }

// Input stops driving the pin.
func (p *Pin) Input() error { return p.drive(input) }

// Close gives the line up.
func (p *Pin) Close() error {
	p.process.Gate()
	p.bench.letGo(p.process, p.line, false)
	return nil
}

func (p *Pin) drive(to state) error {
	p.process.Gate()
	err := p.bench.drive(p.process, p.line, to)
	p.bench.pause()
	return err
}

// pause takes no time at all without a delay.
func (b *Bench) pause() {
	b.mu.Lock()
	delay := b.delay
	b.mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
}
