package dfutest

import (
	"bytes"
	"context"
	"testing"
)

// Exchange is one class request and what the device makes of it.
type Exchange struct {
	Request uint8  // bRequest
	Value   uint16 // wValue: the block
	Sent    []byte // what the host must send; nil for requests without data
	Reply   []byte // what it gets; the length it asks for is not checked
	Err     error  // answered instead
}

// Script is a transport that answers class requests from a list, in order, and
// standard requests from its descriptors. A request that is not next in the
// list fails the test and stalls.
type Script struct {
	Descriptors
	Exchanges []Exchange

	t    testing.TB
	next int
}

// NewScript starts a script for a test, which fails if not all of it is played
// when the test ends.
func NewScript(t testing.TB, descriptors Descriptors, exchanges ...Exchange) *Script {
	s := &Script{Descriptors: descriptors, Exchanges: exchanges, t: t}
	t.Cleanup(func() {
		if s.next < len(s.Exchanges) {
			t.Errorf("script: %d of %d exchanges played", s.next, len(s.Exchanges))
		}
	})
	return s
}

// Control plays the next exchange.
func (s *Script) Control(ctx context.Context, requestType, request uint8, value, _ uint16, data []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if requestType&0x60 == 0 {
		return s.Answer(requestType, request, value, data)
	}
	if s.next == len(s.Exchanges) {
		s.t.Errorf("script: request %d value %d after the end", request, value)
		return 0, Stall
	}
	exchange := s.Exchanges[s.next]
	s.next++
	if request != exchange.Request || value != exchange.Value {
		s.t.Errorf("script: exchange %d is request %d value %d, want %d value %d",
			s.next, request, value, exchange.Request, exchange.Value)
		return 0, Stall
	}
	if exchange.Err != nil {
		return 0, exchange.Err
	}
	if requestType&0x80 != 0 {
		return copy(data, exchange.Reply), nil
	}
	if !bytes.Equal(data, exchange.Sent) {
		s.t.Errorf("script: exchange %d sends % x, want % x", s.next, data, exchange.Sent)
	}
	return len(data), nil
}

// SelectAlt accepts any alternate setting.
func (s *Script) SelectAlt(ctx context.Context, _ uint8) error { return ctx.Err() }

// Close does nothing.
func (s *Script) Close() error { return nil }
