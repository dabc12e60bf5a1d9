package simgpio

import (
	"context"
	"log/slog"
)

// Follow tells the levels at the beginning and at each change, until ctx ends,
// which is no error, or reading or telling fails. It traces the kernel; where
// that cannot be done it looks each millisecond, and a busy machine may miss
// a change.
func (p *Pins) Follow(ctx context.Context, log *slog.Logger, tell func(Levels) error) error {
	trace, err := p.kernel.Trace(p.source.Label)
	if err != nil {
		log.Info("the pins are looked at, not traced: short changes may be missed", "because", err)
		return Watch(ctx, p.Levels, tell)
	}
	defer func() {
		if err := trace.Close(); err != nil {
			log.Warn("a trace of pins is left behind", "error", err)
		}
	}()
	stop := context.AfterFunc(ctx, trace.Interrupt)
	defer stop()
	last, err := p.Levels()
	if err != nil {
		return err
	}
	if err := tell(last); err != nil {
		return err
	}
	drives := p.drives(last)
	for {
		event, err := trace.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if now := drives.see(event); now != last {
			if err := tell(now); err != nil {
				return err
			}
			last = now
		}
	}
}

// drives are the pins as events leave them.
type drives struct {
	source       Source
	wiring       Wiring
	reset, setup drive
}

// drive is what a pin does.
type drive struct{ output, high bool }

// drives takes the pins for inputs, unless they pull their lines low.
func (p *Pins) drives(now Levels) drives {
	as := func(low bool) drive { return drive{low, low == (p.wiring == FET)} }
	return drives{p.source, p.wiring, as(now.ResetLow), as(now.SetupLow)}
}

// see takes note of an event and returns the levels after it.
func (d *drives) see(e Event) Levels {
	switch e.Pin {
	case d.source.Reset:
		d.reset.see(e.Change)
	case d.source.Setup:
		d.setup.see(e.Change)
	}
	return Levels{d.wiring.pullsLow(d.reset), d.wiring.pullsLow(d.setup)}
}

func (d *drive) see(c Change) {
	switch c {
	case Output:
		d.output = true
	case Input, GivenBack:
		d.output = false
	case High, Low:
		d.high = c == High
	}
}

// pullsLow tells whether a pin pulls its line low.
func (w Wiring) pullsLow(d drive) bool { return d.output && d.high == (w == FET) }
