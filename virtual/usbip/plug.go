package usbip

import (
	"context"
	"fmt"
	"net"
	"sync"

	virtualduo "duogateway/virtual/duo"
)

// Plug is a board at a bus id: the end of its USB cable.
type Plug struct {
	board       *virtualduo.Board
	busID       string
	bus, device uint32
	host        sync.Mutex // locked while a host has the board

	mu      sync.Mutex
	changed chan struct{} // closed at the next change of the bus
}

// NewPlug gives a board a bus id such as 1-2: a bus from 1 on and a port from
// 1 to 126. It does not own the board.
func NewPlug(board *virtualduo.Board, busID string) (*Plug, error) {
	p := &Plug{board: board, busID: busID, changed: make(chan struct{})}
	var port uint32
	if _, err := fmt.Sscanf(busID, "%d-%d", &p.bus, &port); err != nil {
		return nil, fmt.Errorf("%q is not a bus id such as 1-2: %w", busID, err)
	}
	if p.bus < 1 || p.bus > 0xFFFF || port < 1 || port > 126 || fmt.Sprintf("%d-%d", p.bus, port) != busID {
		return nil, fmt.Errorf("%q is not a bus id such as 1-2", busID)
	}
	p.device = port + 1 // 1 is the hub
	board.OnBusChange(p.change)
	return p, nil
}

// number is what hosts know the device by.
func (p *Plug) number() uint32 { return p.bus<<16 | p.device }

func (p *Plug) change() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

// next is closed at the next change of the bus.
func (p *Plug) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// await waits until the board is on the bus in another attachment than that
// number.
func (p *Plug) await(ctx context.Context, not uint64) (virtualduo.Attachment, error) {
	for {
		change := p.next()
		if attached, ok := p.board.Attached(); ok && attached.Number != not {
			return attached, nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return virtualduo.Attachment{}, ctx.Err()
		}
	}
}

// left returns a channel that is closed when an attachment is over, and by
// stop.
func (p *Plug) left(number uint64) (left <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			change := p.next()
			if attached, ok := p.board.Attached(); !ok || attached.Number != number {
				close(over)
				return
			}
			select {
			case <-change:
			case <-ctx.Done():
				return
			}
		}
	}()
	return over, func() { cancel(); <-ended }
}

// serve is the board for a host at the other end of conn, for one attachment.
// It returns nil when the board has left the bus, and closes conn.
func (p *Plug) serve(ctx context.Context, conn net.Conn, attached virtualduo.Attachment) error {
	defer func() { _ = conn.Close() }() // what was said is said
	left, stop := p.left(attached.Number)
	defer stop()
	handle, err := p.board.Open()
	if err != nil {
		return nil // it has left already
	}
	return serve(ctx, conn, handle, p.number(), left)
}
