package serial

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	virtualduo "duogateway/virtual/duo"
)

// rate is a rate that was set.
type rate struct {
	baud   uint32
	hangUp bool
}

// fakePort notes what is done to it.
type fakePort struct {
	net.Conn // to a board that answers
	rates    []rate
	typed    []byte
	opened   int
	closed   int
	board    sync.WaitGroup

	fail    error    // of the rate for DFU mode
	says    []string // to a command, in packets
	leaves  bool     // behind that
	readErr error    // in place of the end of a read
}

// open opens the port and lets the board answer one command.
func (p *fakePort) open(string) (port, error) {
	near, far := net.Pipe()
	p.Conn = near
	p.opened++
	p.board.Go(func() {
		command := make([]byte, 16)
		n, err := far.Read(command)
		p.typed = append(p.typed, command[:n]...)
		for _, packet := range p.says {
			_, _ = far.Write([]byte(packet)) // nobody may read any more
		}
		if p.leaves {
			err = far.Close()
		}
		for err == nil { // until the port is closed
			_, err = far.Read(command)
		}
	})
	return p, nil
}

func (p *fakePort) SetRate(baud uint32, hangUp bool) error {
	p.rates = append(p.rates, rate{baud, hangUp})
	return p.fail
}

func (p *fakePort) Read(data []byte) (int, error) {
	n, err := p.Conn.Read(data)
	if err != nil && p.readErr != nil {
		err = p.readErr
	}
	return n, err
}

// Close closes the port, which the board sees.
func (p *fakePort) Close() error {
	p.closed++
	err := p.Conn.Close()
	p.board.Wait()
	return err
}

// onFake is a running Duo on port 1-1.4 whose tty is a fake.
func onFake(t *testing.T) (*Ports, *fakePort, sysfs) {
	t.Helper()
	s, fake := newSysfs(t), &fakePort{}
	s.duo()
	return s.ports(fake.open), fake, s
}

// boardPort is the serial port of a virtual board, as its driver shows it.
type boardPort struct {
	usb    *virtualduo.USB
	ctx    context.Context
	expire *time.Timer
}

// onBoard is a virtual board on port 1-1.4, and its serial ports.
func onBoard(t *testing.T, config virtualduo.Config, do func(t *testing.T, p *Ports, b *virtualduo.Board)) {
	t.Helper()
	s := newSysfs(t)
	s.duo()
	synctest.Test(t, func(t *testing.T) {
		board := virtualduo.New(config)
		defer board.Close()
		s.must(board.InstallKey(virtualduo.GenerateKey(1).Reveal()))
		board.PowerOn()
		time.Sleep(5 * time.Second)
		do(t, s.ports(func(string) (port, error) {
			usb, err := board.Open()
			ctx, cancel := context.WithCancel(context.Background())
			return boardPort{usb, ctx, time.AfterFunc(time.Hour, cancel)}, err
		}), board)
	})
}

func (p boardPort) SetRate(baud uint32, _ bool) error {
	coding := binary.LittleEndian.AppendUint32(nil, baud)
	_, err := p.usb.Control(p.ctx, 0x21, 0x20, 0, 0, append(coding, 0, 0, 8))
	return p.fault(err)
}

func (p boardPort) Write(data []byte) (int, error) {
	n, err := p.usb.Bulk(p.ctx, 0x01, data)
	return n, p.fault(err)
}

func (p boardPort) Read(data []byte) (int, error) {
	n, err := p.usb.Bulk(p.ctx, 0x81, data)
	return n, p.fault(err)
}

func (p boardPort) SetDeadline(t time.Time) error {
	p.expire.Reset(time.Until(t))
	return nil
}

func (p boardPort) Close() error {
	p.expire.Stop()
	return p.usb.Close()
}

// fault is what the kernel says of a board that has left, or says nothing.
func (p boardPort) fault(err error) error {
	var gone interface{ Gone() bool }
	switch {
	case errors.As(err, &gone) && gone.Gone():
		return unix.EIO
	case errors.Is(err, context.Canceled):
		return os.ErrDeadlineExceeded
	default:
		return err
	}
}
