package usbip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// requestPatience bounds how long a client may take to say what it wants.
const requestPatience = 5 * time.Second

// Server offers boards to hosts elsewhere. A board that is off the bus, or
// that another host has, is not listed and cannot be imported at that moment:
// clients ask again. What a board has begun goes on when its host is lost.
type Server struct {
	Plugs []*Plug
	Log   *slog.Logger
}

// Serve answers on a listener until ctx ends; then it closes the listener and
// every connection and returns nil. Anybody who reaches the listener can
// write the boards: it should be on the loopback.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
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
			return fmt.Errorf("accept a USB/IP client: %w", err)
		}
		served.Go(func() { s.answer(ctx, conn) })
	}
}

// answer serves one client from its request to its end.
func (s *Server) answer(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()                                         // nobody is left to tell
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) }) // the reader reports it
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(requestPatience)) // a connection without deadlines is not served
	code, busID, err := readRequest(conn)
	switch {
	case err != nil:
		s.Log.Warn("a request over USB/IP", "error", err)
	case code == requestList:
		_, _ = conn.Write(s.list(ctx)) // a client that has gone needs no list
	default:
		s.hand(ctx, conn, busID)
	}
}

// list is the reply that lists the boards which can be imported now.
func (s *Server) list(ctx context.Context) []byte {
	var devices []byte
	var count uint32
	for _, p := range s.Plugs {
		if !p.host.TryLock() {
			continue
		}
		description, interfaces, err := p.look(ctx)
		p.host.Unlock()
		if err != nil {
			continue // not on the bus
		}
		count++
		devices = append(devices, description...)
		for _, i := range interfaces {
			devices = append(devices, i[0], i[1], i[2], 0)
		}
	}
	reply := binary.BigEndian.AppendUint32(head(replyList, resultOK), count)
	return append(reply, devices...)
}

// look describes the board as it is on the bus now.
func (p *Plug) look(ctx context.Context) (description []byte, interfaces [][3]byte, err error) {
	handle, err := p.board.Open()
	if err != nil {
		return nil, nil, err
	}
	return p.describe(ctx, handle)
}

// hand gives a board to a client for one stay on the bus.
func (s *Server) hand(ctx context.Context, conn net.Conn, busID string) {
	refuse := func(result uint32) { _, _ = conn.Write(head(replyImport, result)) } // it may have gone
	p := s.plug(busID)
	if p == nil {
		refuse(resultNone)
		return
	}
	if !p.host.TryLock() {
		refuse(resultBusy)
		return
	}
	defer p.host.Unlock()
	attached, ok := p.board.Attached()
	description, _, err := p.look(ctx)
	if !ok || err != nil {
		refuse(resultNone)
		return
	}
	if _, err := conn.Write(append(head(replyImport, resultOK), description...)); err != nil {
		return
	}
	_ = conn.SetDeadline(time.Time{}) // as above
	log := s.Log.With("busid", busID, "product", fmt.Sprintf("%04x", attached.Product), "number", attached.Number)
	log.Info("imported")
	switch err := p.serve(ctx, conn, attached); {
	case err == nil || ctx.Err() != nil:
		log.Info("detached")
	case errors.Is(err, errHostGone):
		log.Info("the host has gone")
	default:
		log.Error("the board was taken off the bus", "error", err)
	}
}

func (s *Server) plug(busID string) *Plug {
	for _, p := range s.Plugs {
		if p.busID == busID {
			return p
		}
	}
	return nil
}
