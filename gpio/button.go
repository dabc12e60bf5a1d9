package gpio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Contact is a push button as its line gives it, with all its bouncing. It is
// used by one goroutine at a time.
type Contact interface {
	// Level says whether the contact is closed now. An error means that the
	// line is lost.
	Level() (pressed bool, err error)
	// Wait waits until the contact has opened or closed since the last Wait
	// returned, or until ctx ends, and then returns the error of ctx. It may
	// return nil though nothing changed. Another error means that the line is
	// lost.
	Wait(ctx context.Context) error
}

// The defaults of [ButtonConfig].
const (
	// DefaultDebounce is longer than contacts of push buttons bounce, and
	// shorter than any finger presses.
	DefaultDebounce = 20 * time.Millisecond
	// DefaultLongPress is long enough not to happen by chance.
	DefaultLongPress = 5 * time.Second
)

// ButtonConfig is what a [Button] is made of.
type ButtonConfig struct {
	// Bay is what [Button.Press] returns with each press: the bay that the
	// button belongs to, or empty for the button of the station.
	Bay     string
	Contact Contact
	// Debounce is how long the contact must keep still to be believed, 0 for
	// DefaultDebounce.
	Debounce time.Duration
	// LongPress is how long a press must be to be told while it still goes on,
	// 0 for DefaultLongPress.
	LongPress time.Duration
	Log       *slog.Logger
}

// Button turns the opening and closing of a contact into presses. A press that
// is shorter than Debounce is none. A button that is closed from the beginning
// is stuck or held by mistake: it counts only once it has been let go. Its
// methods are called by one goroutine at a time.
type Button struct {
	config ButtonConfig

	// What the contact said last, and since when it has kept to it.
	closed bool
	since  time.Time

	// What is believed of that.
	pressed bool
	began   time.Time // of the press
	told    bool      // the press was told, or does not count
	trusted bool      // the button was seen let go
}

// NewButton returns a button that nobody watches yet.
func NewButton(config ButtonConfig) *Button {
	if config.Debounce == 0 {
		config.Debounce = DefaultDebounce
	}
	if config.LongPress == 0 {
		config.LongPress = DefaultLongPress
	}
	return &Button{config: config}
}

// Press waits for the next press and returns the button's bay and how long it
// was pressed. A press is told when it ends; one that reaches LongPress is told
// at that moment, and its end is nothing more. The error is that of ctx, after
// which Press may be called again and misses nothing, or of the contact.
//
// What happens between two calls is seen late: a press that begins and ends
// there is lost.
func (b *Button) Press(ctx context.Context) (bay string, held time.Duration, err error) {
	moved := false
	for {
		if err := b.look(moved); err != nil {
			return "", 0, b.wrap(err)
		}
		if held, over := b.believe(time.Now()); over {
			return b.config.Bay, held, nil
		}
		if moved, err = b.wait(ctx); err != nil {
			return "", 0, b.wrap(err)
		}
	}
}

// look asks the contact. One that has moved has bounced, even if it is back
// where it was.
func (b *Button) look(moved bool) error {
	closed, err := b.config.Contact.Level()
	if err != nil {
		return err
	}
	if moved || closed != b.closed || b.since.IsZero() {
		b.closed, b.since = closed, time.Now()
	}
	return nil
}

// believe takes the word of a contact that has kept still, and says how long
// the button was pressed if there is a press to tell.
func (b *Button) believe(now time.Time) (held time.Duration, over bool) {
	if now.Sub(b.since) >= b.config.Debounce && b.unsettled() {
		if held, over = b.settle(); over {
			return held, true
		}
	}
	if b.pressed && b.closed && !b.told && now.Sub(b.began) >= b.config.LongPress {
		b.told = true
		return now.Sub(b.began), true
	}
	return 0, false
}

// unsettled says whether the contact tells something that is not believed yet.
func (b *Button) unsettled() bool {
	return b.closed != b.pressed || !b.closed && !b.trusted
}

// settle believes the contact.
func (b *Button) settle() (held time.Duration, over bool) {
	if b.closed {
		b.pressed, b.began, b.told = true, b.since, !b.trusted
		if !b.trusted {
			b.config.Log.Warn("a button is pressed from the start: it does nothing until it was let go", "bay", b.config.Bay)
		}
		return 0, false
	}
	over = b.pressed && !b.told
	b.pressed, b.trusted = false, true
	return b.since.Sub(b.began), over
}

// wait waits until the contact moves, or until there is something to believe.
func (b *Button) wait(ctx context.Context) (moved bool, err error) {
	until := ctx
	if due, ok := b.due(); ok {
		var cancel context.CancelFunc
		until, cancel = context.WithDeadline(ctx, due)
		defer cancel()
	}
	err = b.config.Contact.Wait(until)
	switch {
	case err == nil:
		return true, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return false, nil
	}
	return false, err
}

// due returns when there is something to believe if the contact keeps still.
func (b *Button) due() (time.Time, bool) {
	switch {
	case b.unsettled():
		return b.since.Add(b.config.Debounce), true
	case b.pressed && !b.told:
		return b.began.Add(b.config.LongPress), true
	}
	return time.Time{}, false
}

func (b *Button) wrap(err error) error {
	if b.config.Bay == "" {
		return fmt.Errorf("the button of the station: %w", err)
	}
	return fmt.Errorf("the button of bay %s: %w", b.config.Bay, err)
}
