package broker

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
)

// Saw is a way to a broker that breaks: each connection after a random number
// of bytes, in either direction.
type Saw struct {
	listener net.Listener
	to       string
	most     int
	work     sync.WaitGroup

	mu    sync.Mutex
	dice  *rand.Rand // nil: nothing is cut any more
	lines []net.Conn
	cuts  int
	over  bool
}

// NewSaw makes a way to a host and port. A connection lives for at most most
// bytes in one direction.
func NewSaw(to string, most int, seed uint64) (*Saw, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("setting up a way that breaks: %w", err)
	}
	s := &Saw{listener: listener, to: to, most: most, dice: rand.New(rand.NewPCG(seed, seed))}
	s.work.Go(s.accept)
	return s, nil
}

// URL is where the way begins.
func (s *Saw) URL() string { return "mqtt://" + s.listener.Addr().String() }

func (s *Saw) accept() {
	for {
		line, err := s.listener.Accept()
		if err != nil {
			return
		}
		onward, err := net.Dial("tcp", s.to)
		if err != nil {
			_ = line.Close()
			continue
		}
		s.keep(line, onward)
		s.work.Go(func() { s.carry(line, onward) })
		s.work.Go(func() { s.carry(onward, line) })
	}
}

// keep notes two ends, to close them later.
func (s *Saw) keep(ends ...net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, ends...)
	if s.over {
		s.end()
	}
}

// carry carries bytes until its measure is full, and then closes both ends.
func (s *Saw) carry(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	measure := s.measure()
	if measure == 0 {
		_, _ = io.Copy(to, from)
		return
	}
	if n, _ := io.CopyN(to, from, measure); n == measure {
		s.mu.Lock()
		s.cuts++
		s.mu.Unlock()
	}
}

func (s *Saw) measure() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dice == nil {
		return 0
	}
	return 1 + s.dice.Int64N(int64(s.most))
}

// Cuts counts the connections that were cut.
func (s *Saw) Cuts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cuts
}

// Rest lets new connections live from now on, and ends the ones that there are.
func (s *Saw) Rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dice = nil
	s.end()
}

// end closes all connections.
func (s *Saw) end() {
	for _, line := range s.lines {
		_ = line.Close()
	}
	s.lines = nil
}

// Close closes the way.
func (s *Saw) Close() {
	_ = s.listener.Close()
	s.mu.Lock()
	s.over = true
	s.end()
	s.mu.Unlock()
	s.work.Wait()
}
