package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Serve offers a bench on a listener until ctx ends; then it closes the
// listener and every connection and returns nil.
func Serve(ctx context.Context, listener net.Listener, bench *Bench) error {
	ctx, cancel := context.WithCancel(ctx)
	var served sync.WaitGroup
	defer served.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // Accept reports it
	defer stop()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept a client of the bench: %w", err)
		}
		served.Go(func() { serve(ctx, conn, bench) })
	}
}

// serve is one connection from its first request to its end.
func serve(ctx context.Context, conn net.Conn, bench *Bench) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the reader reports it
	defer stop()
	defer func() { _ = conn.Close() }() // nobody is left to tell
	client := newLink(conn)
	var first request
	if err := client.decoder.Decode(&first); err != nil {
		return
	}
	switch first.Do {
	case doOpenUSB:
		serveUSB(ctx, client, bench, first)
	case doOpenPin:
		servePin(client, bench, first)
	case doPresses:
		servePresses(ctx, client, bench)
	default:
		client.serve(first, func(r request) (reply, error) { return control(ctx, bench, r) })
	}
}

// serve answers requests until the connection ends, beginning with one that
// has been read already.
func (l *link) serve(r request, answer func(request) (reply, error)) {
	for {
		result, err := answer(r)
		result.Failure = failureOf(err)
		if l.encoder.Encode(result) != nil {
			return
		}
		r = request{}
		if l.decoder.Decode(&r) != nil {
			return
		}
	}
}

// serveUSB holds a USB handle for a client and closes it when the client goes.
func serveUSB(ctx context.Context, client *link, bench *Bench, open request) {
	var usb USB
	defer func() {
		if usb != nil {
			_ = usb.Close() // nobody is left to tell
		}
	}()
	client.serve(open, func(r request) (reply, error) {
		switch {
		case r.Do == doOpenUSB && usb == nil && r.Device != nil:
			opened, err := bench.OpenUSB(ctx, *r.Device)
			if err == nil {
				usb = opened
			}
			return reply{}, err
		case r.Do == doControl && usb != nil && r.Transfer != nil:
			return transferOn(ctx, usb, *r.Transfer)
		case r.Do == doBulk && usb != nil && r.Bulk != nil:
			return bulkOn(ctx, usb, *r.Bulk)
		default:
			return reply{}, unfit(r)
		}
	})
}

func transferOn(ctx context.Context, usb USB, t transfer) (reply, error) {
	data := t.Data
	if t.reads() {
		data = make([]byte, t.Length)
	}
	moved, err := usb.Control(ctx, t.Type, t.Request, t.Value, t.Index, data)
	if !t.reads() || err != nil {
		return reply{Moved: moved}, err
	}
	return reply{Moved: moved, Data: data[:moved]}, nil
}

func bulkOn(ctx context.Context, usb USB, b bulk) (reply, error) {
	data := b.Data
	if b.reads() {
		if b.Length < 0 || b.Length > longestBulk {
			return reply{}, fmt.Errorf("a bulk transfer of %d bytes is too long", b.Length)
		}
		data = make([]byte, b.Length)
	}
	moved, err := usb.Bulk(ctx, b.Endpoint, data)
	if !b.reads() || err != nil {
		return reply{Moved: moved}, err
	}
	return reply{Moved: moved, Data: data[:moved]}, nil
}

// servePin holds a pin for a client. When the client goes, in whatever way,
// the pin becomes an input.
func servePin(client *link, bench *Bench, open request) {
	var pin Pin
	defer func() {
		if pin != nil {
			_ = pin.Close() // nobody is left to tell
		}
	}()
	client.serve(open, func(r request) (reply, error) {
		switch {
		case r.Do == doOpenPin && pin == nil:
			opened, err := bench.OpenPin(r.Name)
			if err == nil {
				pin = opened
			}
			return reply{}, err
		case pin == nil:
			return reply{}, unfit(r)
		case r.Do == doLow:
			return reply{}, pin.Low()
		case r.Do == doHigh:
			return reply{}, pin.High()
		case r.Do == doInput:
			return reply{}, pin.Input()
		case r.Do == doClose:
			closing := pin
			pin = nil
			return reply{}, closing.Close()
		default:
			return reply{}, unfit(r)
		}
	})
}

// servePresses sends an empty reply, then each press, until the client goes.
func servePresses(ctx context.Context, client *link, bench *Bench) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	presses, err := bench.Presses(ctx)
	if client.encoder.Encode(reply{Failure: failureOf(err)}) != nil || err != nil {
		return
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, client.conn) // ends with the connection
	})
	for press := range presses {
		if client.encoder.Encode(reply{Press: &press}) != nil {
			cancel()
		}
	}
	_ = client.conn.Close() // ends the watching
	watching.Wait()
}

// control answers what needs no handle.
func control(ctx context.Context, bench *Bench, r request) (reply, error) {
	switch r.Do {
	case doDevices:
		devices, err := bench.Devices(ctx)
		return reply{Devices: devices}, err
	case doPress:
		return reply{}, bench.Press(r.Name, r.Held)
	case doNote:
		return reply{}, bench.Note(r.Text)
	case doEvents:
		events, err := bench.Events(ctx)
		return reply{Events: events}, err
	case doBoard:
		state, err := bench.Board(r.Name)
		return reply{State: &state}, err
	case doUnplug:
		return reply{}, bench.Unplug(r.Name)
	case doPlug:
		return reply{}, bench.Plug(r.Name)
	case doPowerCut:
		return reply{}, bench.PowerCut(r.Name)
	case doDumpFlash:
		flash, err := bench.DumpFlash(r.Name)
		return reply{Data: flash.Reveal()}, err
	case doWriteDCT:
		return reply{}, bench.WriteDCT(r.Name, r.Offset, r.Data)
	default:
		return breakBench(bench, r)
	}
}

// breakBench answers the requests for faults.
func breakBench(bench *Bench, r request) (reply, error) {
	switch {
	case r.Do == doFaults && r.Faults != nil:
		return reply{}, bench.SetFaults(r.Name, *r.Faults)
	case r.Do == doOwnFaults && r.OwnFaults != nil:
		return reply{}, bench.SetOwnFaults(*r.OwnFaults)
	case r.Do == doDropHub:
		return reply{}, bench.DropHub(r.Held)
	default:
		return reply{}, unfit(r)
	}
}

func unfit(r request) error {
	return errors.New("the request " + string(r.Do) + " does not fit this connection")
}
