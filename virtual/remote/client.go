package remote

import (
	"context"
	"fmt"
	"net"
	"time"

	"duogateway/secret"
	virtualduo "duogateway/virtual/duo"
)

// Client is a bench in another process.
type Client struct{ socket string }

var _ API = (*Client)(nil)

// Dial returns a client of the bench on a unix socket, after seeing that it
// is there. Each handle and each call has a connection of its own, so there
// is nothing to close.
func Dial(socket string) (*Client, error) {
	client := &Client{socket}
	if _, err := client.Devices(context.Background()); err != nil {
		return nil, err
	}
	return client, nil
}

// open dials and makes the first request of a connection.
func (c *Client) open(ctx context.Context, first request) (*link, reply, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", c.socket)
	if err != nil {
		return nil, reply{}, fmt.Errorf("reach the bench: %w", lost(err))
	}
	opened := newLink(conn)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the transfer reports it
	answer, err := opened.ask(first)
	stop()
	if err != nil {
		_ = opened.close() // the first error counts
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, reply{}, err
	}
	return opened, answer, nil
}

// call is a request on a connection of its own.
func (c *Client) call(ctx context.Context, r request) (reply, error) {
	opened, answer, err := c.open(ctx, r)
	if err != nil {
		return reply{}, err
	}
	return answer, opened.close()
}

// do is a call without an answer.
func (c *Client) do(r request) error {
	_, err := c.call(context.Background(), r)
	return err
}

// Devices returns what is on the USB bus now.
func (c *Client) Devices(ctx context.Context) ([]Device, error) {
	answer, err := c.call(ctx, request{Do: doDevices})
	return answer.Devices, err
}

// Press presses a button of the station.
func (c *Client) Press(bay string, held time.Duration) error {
	return c.do(request{Do: doPress, Name: bay, Held: held})
}

// Note puts text into the order of events.
func (c *Client) Note(text string) error { return c.do(request{Do: doNote, Text: text}) }

// Events returns all events so far.
func (c *Client) Events(ctx context.Context) ([]Event, error) {
	answer, err := c.call(ctx, request{Do: doEvents})
	return answer.Events, err
}

// Board returns what can be seen of a board.
func (c *Client) Board(bay string) (State, error) {
	answer, err := c.call(context.Background(), request{Do: doBoard, Name: bay})
	if err != nil || answer.State == nil {
		return State{}, err
	}
	return *answer.State, nil
}

// Unplug takes a board's power and USB away.
func (c *Client) Unplug(bay string) error { return c.do(request{Do: doUnplug, Name: bay}) }

// Plug gives a board power and USB.
func (c *Client) Plug(bay string) error { return c.do(request{Do: doPlug, Name: bay}) }

// PowerCut interrupts a board's power.
func (c *Client) PowerCut(bay string) error { return c.do(request{Do: doPowerCut, Name: bay}) }

// DumpFlash returns the internal flash, keys included.
func (c *Client) DumpFlash(bay string) (secret.Bytes, error) {
	answer, err := c.call(context.Background(), request{Do: doDumpFlash, Name: bay})
	return secret.Of(answer.Data), err
}

// WriteDCT changes the DCT past the board's doors.
func (c *Client) WriteDCT(bay string, offset int, data []byte) error {
	return c.do(request{Do: doWriteDCT, Name: bay, Offset: offset, Data: data})
}

// SetFaults replaces the faults of a board.
func (c *Client) SetFaults(bay string, faults virtualduo.Faults) error {
	return c.do(request{Do: doFaults, Name: bay, Faults: &faults})
}

// SetOwnFaults replaces the faults of the bench itself.
func (c *Client) SetOwnFaults(faults Faults) error {
	return c.do(request{Do: doOwnFaults, OwnFaults: &faults})
}

// DropHub takes all boards off the bus, for a time.
func (c *Client) DropHub(gone time.Duration) error { return c.do(request{Do: doDropHub, Held: gone}) }

// Presses delivers presses until ctx ends or the bench goes.
func (c *Client) Presses(ctx context.Context) (<-chan Press, error) {
	opened, _, err := c.open(ctx, request{Do: doPresses})
	if err != nil {
		return nil, err
	}
	presses := make(chan Press)
	go deliver(ctx, opened, presses)
	return presses, nil
}

func deliver(ctx context.Context, from *link, presses chan<- Press) {
	defer close(presses)
	defer func() { _ = from.close() }()                              // nothing is left to lose
	stop := context.AfterFunc(ctx, func() { _ = from.conn.Close() }) // the reader reports it
	defer stop()
	for {
		var told reply
		if from.decoder.Decode(&told) != nil || told.Press == nil {
			return
		}
		select {
		case presses <- *told.Press:
		case <-ctx.Done():
			return
		}
	}
}
