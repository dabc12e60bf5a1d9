package usbip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	virtualduo "duogateway/virtual/duo"
)

// inDFU makes a board of a generation and holds its SETUP for 3.4 s.
func inDFU(t *testing.T, bootloader *virtualduo.Bootloader) *virtualduo.Board {
	t.Helper()
	board := virtualduo.New(virtualduo.Config{Bootloader: bootloader})
	t.Cleanup(board.Close)
	enterDFU(board)
	return board
}

func enterDFU(board *virtualduo.Board) {
	board.SetSetup(true)
	board.SetReset(true)
	board.PowerOn()
	time.Sleep(20 * time.Millisecond)
	board.SetReset(false)
	time.Sleep(3400 * time.Millisecond)
	board.SetSetup(false)
	time.Sleep(100 * time.Millisecond)
}

// running makes a board whose firmware runs, in listening mode.
func running(t *testing.T) *virtualduo.Board {
	t.Helper()
	board := virtualduo.New(virtualduo.Config{})
	t.Cleanup(board.Close)
	if err := errors.Join(board.InstallKey(virtualduo.GenerateKey(1).Reveal()), board.Commission()); err != nil {
		t.Fatal(err)
	}
	board.PowerOn()
	time.Sleep(2 * time.Second)
	return board
}

// host is a USB host at the other end of a connection. Like the kernel it
// reads all the time and gives each reply to the transfer that it is for.
type host struct {
	conn   net.Conn
	device uint32
	served chan error // what ended the board's side

	mu      sync.Mutex
	number  uint32
	waiting map[uint32]*submitted
	unlinks map[uint32]chan int32 // by their own number
	ended   chan struct{}
}

// submitted is a transfer under way.
type submitted struct {
	number uint32
	in     bool
	ended  chan ending
}

// ending is how the board said that a transfer ended.
type ending struct {
	status int32
	moved  int
	data   []byte
}

// plugIn gives a new host the board as it is on the bus now.
func plugIn(t *testing.T, p *Plug) *host {
	t.Helper()
	attached, ok := p.board.Attached()
	if !ok {
		t.Fatal("the board is not on the bus")
	}
	ours, theirs := newPipe(t)
	h := newHost(ours, p.number())
	go func() { h.served <- p.serve(context.Background(), theirs, attached) }()
	t.Cleanup(func() { _ = ours.Close(); <-h.ended })
	return h
}

func newPipe(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	ours, theirs = net.Pipe()
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	return ours, theirs
}

func newHost(conn net.Conn, device uint32) *host {
	h := &host{
		conn: conn, device: device, served: make(chan error, 1),
		waiting: map[uint32]*submitted{}, unlinks: map[uint32]chan int32{}, ended: make(chan struct{}),
	}
	go h.read()
	return h
}

// plug gives a board the bus id 1-1.
func plug(t *testing.T, board *virtualduo.Board) *Plug {
	t.Helper()
	p, err := NewPlug(board, "1-1")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// read takes replies until the connection ends; then every transfer has.
func (h *host) read() {
	defer close(h.ended)
	for h.readOne() == nil {
	}
}

func (h *host) readOne() error {
	var header [headerSize]byte
	if _, err := io.ReadFull(h.conn, header[:]); err != nil {
		return err
	}
	kind, number, status := word(header[:], 0), word(header[:], 4), int32(word(header[:], 20))
	h.mu.Lock()
	s, unlink := h.waiting[number], h.unlinks[number]
	delete(h.waiting, number)
	delete(h.unlinks, number)
	h.mu.Unlock()
	switch {
	case kind == replyUnlink && unlink != nil:
		unlink <- status
	case kind == replySubmit && s != nil:
		e := ending{status: status, moved: int(word(header[:], 24))}
		if s.in {
			e.data = make([]byte, e.moved)
			if _, err := io.ReadFull(h.conn, e.data); err != nil {
				return err
			}
		}
		s.ended <- e
	default:
		return fmt.Errorf("reply %d to nothing", kind)
	}
	return nil
}

// submit begins a transfer.
func (h *host) submit(endpoint uint8, in bool, setup [8]byte, length int, data []byte) *submitted {
	h.mu.Lock()
	h.number++
	s := &submitted{number: h.number, in: in, ended: make(chan ending, 1)}
	h.waiting[s.number] = s
	h.mu.Unlock()
	direction := uint32(0)
	if in {
		direction = 1
	}
	frame := h.frame(commandSubmit, s.number, direction, uint32(endpoint), 0, uint32(length), 0, 0, 0)
	_, _ = h.conn.Write(append(append(frame, setup[:]...), data...)) // a loss shows in the reading
	return s
}

// unlink takes a transfer back; the result comes on the channel.
func (h *host) unlink(s *submitted) <-chan int32 {
	h.mu.Lock()
	h.number++
	result := make(chan int32, 1)
	number := h.number
	h.unlinks[number] = result
	h.mu.Unlock()
	frame := h.frame(commandUnlink, number, 0, 0, s.number, 0, 0, 0, 0, 0, 0)
	_, _ = h.conn.Write(frame)
	return result
}

// frame is the head of a command with the words behind its number.
func (h *host) frame(kind, number uint32, words ...uint32) []byte {
	out := binary.BigEndian.AppendUint32(nil, kind)
	out = binary.BigEndian.AppendUint32(out, number)
	out = binary.BigEndian.AppendUint32(out, h.device)
	for _, w := range words {
		out = binary.BigEndian.AppendUint32(out, w)
	}
	return out
}

// wait waits for the end of a transfer, or takes it back when ctx ends.
func (h *host) wait(ctx context.Context, s *submitted) (ending, error) {
	select {
	case e := <-s.ended:
		return e, failureOf(e.status)
	case <-h.ended:
		select {
		case e := <-s.ended:
			return e, failureOf(e.status)
		default:
			return ending{}, failure(statusNoDevice)
		}
	case <-ctx.Done():
	}
	select {
	case <-h.unlink(s):
	case <-h.ended:
	}
	return ending{}, ctx.Err()
}

// failure is the status of a failed transfer.
type failure int32

func failureOf(status int32) error {
	if status == statusOK {
		return nil
	}
	return failure(status)
}

func (f failure) Error() string { return fmt.Sprintf("status %d", int32(f)) }
func (f failure) Stalled() bool { return int32(f) == statusStalled }
func (f failure) Gone() bool    { return int32(f) == statusNoDevice }

// begin begins a control transfer.
func (h *host) begin(requestType, request uint8, value, index uint16, data []byte) *submitted {
	setup := [8]byte{requestType, request}
	binary.LittleEndian.PutUint16(setup[2:], value)
	binary.LittleEndian.PutUint16(setup[4:], index)
	binary.LittleEndian.PutUint16(setup[6:], uint16(len(data)))
	in := requestType&fromDevice != 0 && len(data) > 0
	length := len(data)
	if in {
		data = nil
	}
	return h.submit(0, in, setup, length, data)
}

// Control makes a control transfer; with SelectAlt and Close it makes the host
// a transport for DFU.
func (h *host) Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	e, err := h.wait(ctx, h.begin(requestType, request, value, index, data))
	if err != nil {
		return 0, err
	}
	copy(data, e.data)
	return e.moved, nil
}

func (h *host) SelectAlt(ctx context.Context, alt uint8) error {
	_, err := h.Control(ctx, 0x01, 11, uint16(alt), 0, nil)
	return err
}

func (h *host) Close() error { return nil }
