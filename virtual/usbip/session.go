package usbip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	virtualduo "duogateway/virtual/duo"
)

// mostPending is how many transfers a host may have under way.
const mostPending = 256

// farewell bounds how long the last replies may take.
const farewell = time.Second

// session is one stay of a board on the bus of a host: the host's commands
// come over conn. Each transfer has a goroutine; those of one endpoint go one
// after the other, those of different endpoints at the same time.
type session struct {
	conn   net.Conn
	board  *virtualduo.USB
	device uint32 // the number that the host knows the device by

	transfers sync.WaitGroup
	cancel    context.CancelFunc // of all transfers

	// mu orders the replies. A reply is written under it, so that an unlink
	// that comes too late is answered behind the reply that it wanted to stop.
	mu      sync.Mutex
	pending map[uint32]*request
	last    map[pipe]<-chan struct{} // the end of the last transfer
}

// pipe is one direction of an endpoint; endpoint 0 has one for both.
type pipe struct {
	endpoint uint8
	in       bool
}

// request is a submission under way.
type request struct {
	submission
	number  uint32
	cancel  context.CancelFunc
	unlinks []uint32 // commands that wait for its end
}

// serve answers the host until the board has left (which is no error), the
// host goes or ctx ends. left is closed when the board has left.
func serve(ctx context.Context, conn net.Conn, board *virtualduo.USB, device uint32, left <-chan struct{}) error {
	transferring, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{
		conn: conn, board: board, device: device, cancel: cancel,
		pending: map[uint32]*request{}, last: map[pipe]<-chan struct{}{},
	}
	over := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() { s.hangUp(ctx, left, over) })
	err := s.listen(transferring)
	close(over)
	waiting.Wait()
	select {
	case <-left: // every transfer ends by that, and says so
		err = nil
	default:
		cancel()
	}
	s.transfers.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// hangUp ends the reading of commands when the board has left or ctx ends.
func (s *session) hangUp(ctx context.Context, left, over <-chan struct{}) {
	select {
	case <-left:
	case <-ctx.Done():
	case <-over:
		return
	}
	_ = s.conn.SetReadDeadline(time.Now()) // a connection without deadlines is not served
	_ = s.conn.SetWriteDeadline(time.Now().Add(farewell))
}

// listen carries commands out until the connection ends.
func (s *session) listen(ctx context.Context) error {
	for {
		c, err := readCommand(s.conn)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, os.ErrDeadlineExceeded),
			errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed): // a reply could not be sent
			return errHostGone
		case err != nil:
			return err
		case c.device != s.device:
			return fmt.Errorf("a command for device %#x came to device %#x", c.device, s.device)
		case c.kind == commandUnlink:
			s.unlink(c)
		default:
			if err := s.submit(ctx, c); err != nil {
				return err
			}
		}
	}
}

// errHostGone is the usual end of a session by its host.
var errHostGone = errors.New("the host has gone")

// submit begins a transfer.
func (s *session) submit(ctx context.Context, c command) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending[c.number] != nil || len(s.pending) >= mostPending {
		return fmt.Errorf("transfer %d came twice, or is one of more than %d", c.number, mostPending)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &request{submission: c.submission, number: c.number, cancel: cancel}
	s.pending[c.number] = r
	p := pipe{c.endpoint, c.in && c.endpoint != 0}
	before, done := s.last[p], make(chan struct{})
	s.last[p] = done
	s.transfers.Go(func() {
		defer close(done)
		defer cancel()
		s.run(ctx, r, before)
	})
	return nil
}

// run makes a transfer when the one before it on its endpoint has ended.
// A nil before is that of the first one.
func (s *session) run(ctx context.Context, r *request, before <-chan struct{}) {
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
			s.end(r, outcome{unlinked: true})
			<-before // the next one has to wait for it all the same
			return
		}
	}
	s.end(r, transfer(ctx, s.board, r.submission))
}

// end tells the host how a transfer ended. One that was taken back has no
// reply of its own: that of the unlink says it.
func (s *session) end(r *request, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, r.number)
	status := statusUnlinked
	if !o.unlinked {
		s.write(submitReply(r.number, o))
		status = statusOK
	}
	for _, number := range r.unlinks {
		s.write(unlinkReply(number, status))
	}
}

// unlink takes a transfer back, or tells that it has ended already.
func (s *session) unlink(c command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.pending[c.unlink]
	if r == nil {
		s.write(unlinkReply(c.number, statusOK))
		return
	}
	r.unlinks = append(r.unlinks, c.number)
	r.cancel()
}

// write sends a reply; mu is held. A connection that takes none is closed,
// which the reader of commands finds out.
func (s *session) write(reply []byte) {
	if _, err := s.conn.Write(reply); err != nil {
		_ = s.conn.Close()
	}
}
