package virtualduo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
)

// ErrNotAttached means that the board is not on the bus.
var ErrNotAttached = errors.New("the board is not on the bus")

// USB is the board as a host has opened it. It serves one attachment: once
// the board has left the bus, every transfer fails with an error that is gone.
type USB struct {
	board  *Board
	number uint64
	closed atomic.Bool
}

// transferError is a failed transfer.
type transferError struct {
	text          string
	stalled, gone bool
}

// Error returns what happened.
func (e *transferError) Error() string { return e.text }

// Stalled says that the device refused the request.
func (e *transferError) Stalled() bool { return e.stalled }

// Gone says that the device has left the bus.
func (e *transferError) Gone() bool { return e.gone }

var (
	errStalled = &transferError{text: "the board refused the transfer (stall)", stalled: true}
	errOdd     = &transferError{text: "the transfer failed in its status stage"}
	errGone    = &transferError{text: "the board has left the bus", gone: true}
)

// Open returns a handle for the present attachment.
func (b *Board) Open() (*USB, error) {
	attached, ok := b.Attached()
	if !ok {
		return nil, ErrNotAttached
	}
	return &USB{board: b, number: attached.Number}, nil
}

// Control makes one control transfer and waits for its status stage, as long
// as a flash operation takes or until ctx ends. The board finishes what it has
// begun either way. It returns how many bytes moved.
func (u *USB) Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	if len(data) > math.MaxUint16 {
		return 0, fmt.Errorf("a control transfer of %d bytes is too long", len(data))
	}
	s := setup{requestType, request, value, index, uint16(len(data))}
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		reply, gone, err := u.exchange(s, data)
		if err != nil {
			return 0, err
		}
		if err := reply.await(ctx, gone); err != nil {
			return 0, err
		}
		if !reply.again {
			return u.finish(reply, requestType, data)
		}
	}
}

// exchange brings one request to the device, unless it is busy with flash: it
// answers nothing then, and is asked again.
func (u *USB) exchange(s setup, data []byte) (answer, <-chan struct{}, error) {
	b := u.board
	b.lock()
	defer b.unlock()
	here := b.attachment
	if u.closed.Load() || here == nil || here.Number != u.number {
		return answer{}, nil, errGone
	}
	if b.work != nil {
		return answer{wait: b.work, again: true}, here.gone, nil
	}
	b.settle()
	if s.requestType&fromDevice != 0 {
		data = nil
	}
	last := b.unplugDue()
	reply := b.respond(s, data)
	if last {
		b.pullPlug()
	}
	return reply, here.gone, nil
}

func (a answer) await(ctx context.Context, gone <-chan struct{}) error {
	if a.wait != nil {
		select {
		case <-a.wait.done:
			return nil
		case <-gone:
			return errGone
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-gone:
		return errGone
	default:
		return nil
	}
}

// finish is the transfer as the host's controller reports it.
func (u *USB) finish(a answer, requestType uint8, data []byte) (int, error) {
	inStatusStage := a.stall && a.data != nil || a.wait != nil && a.wait.failed
	switch {
	case inStatusStage && u.board.config.Unknowns.OddStall:
		return 0, errOdd
	case a.stall || inStatusStage:
		return 0, errStalled
	}
	if requestType&fromDevice != 0 {
		return copy(data, a.data), nil
	}
	return len(data), nil
}

// SelectAlt makes alt the current alternate setting of interface 0.
func (u *USB) SelectAlt(ctx context.Context, alt uint8) error {
	_, err := u.Control(ctx, toInterface, setInterface, uint16(alt), 0, nil)
	return err
}

// Close lets the board go; the board does not notice.
func (u *USB) Close() error {
	u.closed.Store(true)
	return nil
}
