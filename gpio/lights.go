package gpio

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Lights shows patterns on the lights of a station or of a bay.
type Lights struct {
	log   *slog.Logger
	lamps []*lamp

	mu      sync.Mutex
	shown   Pattern
	changed chan struct{}
}

// lamp is one light: a high pin makes it shine.
type lamp struct {
	colour Colour
	pin    Pin
	lit    bool
	known  bool // lit is what the pin does
	failed bool // and that was logged
}

// NewLights returns lights that are dark until [Lights.Run] runs. The pins are
// now the lights', which close them. Patterns do without colours that are
// missing.
func NewLights(log *slog.Logger, pins map[Colour]Pin) *Lights {
	l := &Lights{log: log, shown: PatternOff, changed: make(chan struct{}, 1)}
	for _, colour := range []Colour{Green, Red, Blue} {
		if pin, ok := pins[colour]; ok {
			l.lamps = append(l.lamps, &lamp{colour: colour, pin: pin})
		}
	}
	return l
}

// Show shows a pattern from now on, in place of the last one. It returns at
// once. One that is shown already goes on in its rhythm. It may be called by
// many goroutines.
func (l *Lights) Show(p Pattern) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown == p {
		return
	}
	l.shown = p
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Run drives the lights until ctx ends, then switches them off and closes
// their pins. It is called once. A pin that fails is logged once, and tried
// again whenever its light is to change.
func (l *Lights) Run(ctx context.Context) {
	defer l.close()
	for ctx.Err() == nil {
		l.mu.Lock()
		p := l.shown
		l.mu.Unlock()
		l.play(ctx, p.display())
	}
}

// play shows one row of the table until another pattern is to be shown.
func (l *Lights) play(ctx context.Context, d Display) {
	if len(d.Rhythm) == 0 {
		l.light(d.Colours)
		l.pause(ctx, nil)
		return
	}
	for i := 0; ; i = (i + 1) % len(d.Rhythm) {
		if i%2 == 0 {
			l.light(d.Colours)
		} else {
			l.light(nil)
		}
		if !l.pause(ctx, time.After(d.Rhythm[i])) {
			return
		}
	}
}

// pause says whether the time was over first, and not the pattern.
func (l *Lights) pause(ctx context.Context, over <-chan time.Time) bool {
	select {
	case <-over:
		return true
	case <-l.changed:
	case <-ctx.Done():
	}
	return false
}

// light lights the lamps of these colours, and no others.
func (l *Lights) light(colours []Colour) {
	for _, lamp := range l.lamps {
		lit := slices.Contains(colours, lamp.colour)
		if lamp.known && lamp.lit == lit {
			continue
		}
		err := lamp.drive(lit)
		lamp.lit, lamp.known = lit, err == nil
		l.complain(lamp, err)
	}
}

func (l *Lights) close() {
	for _, lamp := range l.lamps {
		// Let go, a pin may float and a lamp glimmer: it is dark before.
		l.complain(lamp, errors.Join(lamp.pin.Low(), lamp.pin.Close()))
	}
}

func (l *Lights) complain(lamp *lamp, err error) {
	if err == nil || lamp.failed {
		return
	}
	lamp.failed = true
	l.log.Warn("a light does not work", "colour", lamp.colour, "error", err)
}

func (l *lamp) drive(lit bool) error {
	if lit {
		return l.pin.High()
	}
	return l.pin.Low()
}
