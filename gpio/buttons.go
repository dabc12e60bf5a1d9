package gpio

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// Buttons are several buttons that are watched as one. Its methods are called
// by one goroutine at a time.
type Buttons struct {
	log     *slog.Logger
	working []*Button
	waiting []press // told, but not asked for yet
}

// press is one press of a button, or what is wrong with it.
type press struct {
	button *Button
	bay    string
	held   time.Duration
	err    error
}

// NewButtons returns buttons that nobody watches yet.
func NewButtons(log *slog.Logger, buttons ...*Button) *Buttons {
	return &Buttons{log: log, working: buttons}
}

// Press waits for the next press of any of the buttons and returns what
// [Button.Press] does. A button whose contact fails is logged and left out.
// The error is that of ctx, or says that none is left.
func (b *Buttons) Press(ctx context.Context) (bay string, held time.Duration, err error) {
	for len(b.waiting) == 0 {
		if ctx.Err() != nil {
			return "", 0, ctx.Err()
		}
		if len(b.working) == 0 {
			return "", 0, errors.New("no button is left that can be watched")
		}
		for _, p := range b.watch(ctx) {
			b.take(p)
		}
	}
	next := b.waiting[0]
	b.waiting = b.waiting[1:]
	return next.bay, next.held, nil
}

// watch waits until one button has something to tell, and returns what all of
// them had by then, in that order.
func (b *Buttons) watch(ctx context.Context) []press {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	told := make(chan press)
	for _, button := range b.working {
		go func() {
			bay, held, err := button.Press(ctx)
			told <- press{button, bay, held, err}
		}()
	}
	var all []press
	for range b.working {
		all = append(all, <-told)
		cancel()
	}
	return all
}

func (b *Buttons) take(p press) {
	switch {
	case p.err == nil:
		b.waiting = append(b.waiting, p)
	case errors.Is(p.err, context.Canceled), errors.Is(p.err, context.DeadlineExceeded):
	default:
		b.log.Error("a button cannot be watched any more", "error", p.err)
		b.working = slices.DeleteFunc(b.working, func(other *Button) bool { return other == p.button })
	}
}
