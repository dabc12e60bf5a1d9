package serial

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	bugst "go.bug.st/serial"
	"golang.org/x/sys/unix"

	virtualduo "duogateway/virtual/duo"
)

// fakePort notes what is done to it, in order.
type fakePort struct {
	modes  []int
	wrote  []byte
	closed int
	quiet  time.Duration // of a read

	says    func(typed byte) []string // packets
	pending []string
	fail    map[int]error // of a rate
	readErr error         // once nothing is pending
}

func (p *fakePort) SetMode(mode *bugst.Mode) error {
	p.modes = append(p.modes, mode.BaudRate)
	return p.fail[mode.BaudRate]
}
func (p *fakePort) SetReadTimeout(t time.Duration) error {
	p.quiet = t
	return nil
}
func (p *fakePort) ResetInputBuffer() error {
	p.pending = nil
	return nil
}
func (p *fakePort) Write(data []byte) (int, error) {
	p.wrote = append(p.wrote, data...)
	if p.says != nil {
		p.pending = append(p.pending, p.says(data[0])...)
	}
	return len(data), nil
}
func (p *fakePort) Read(data []byte) (int, error) {
	if len(p.pending) == 0 {
		time.Sleep(p.quiet)
		return 0, p.readErr
	}
	n := copy(data, p.pending[0])
	if p.pending[0] = p.pending[0][n:]; p.pending[0] == "" {
		p.pending = p.pending[1:]
	}
	return n, nil
}
func (p *fakePort) Close() error {
	p.closed++
	return nil
}

// onFake is a running Duo on port 1-1.4 whose tty is a fake.
func onFake(t *testing.T) (*Ports, *fakePort, sysfs) {
	t.Helper()
	s, fake := newSysfs(t), &fakePort{}
	s.duo()
	return s.ports(func(string) (port, error) { return fake, nil }), fake, s
}

// boardPort is the serial port of a virtual board, as its driver shows it.
type boardPort struct {
	usb *virtualduo.USB
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
			return boardPort{usb}, err
		}), board)
	})
}

func (p boardPort) SetMode(mode *bugst.Mode) error {
	coding := binary.LittleEndian.AppendUint32(nil, uint32(mode.BaudRate))
	_, err := p.usb.Control(context.Background(), 0x21, 0x20, 0, 0, append(coding, 0, 0, 8))
	return p.fault(err)
}

func (p boardPort) Write(data []byte) (int, error) {
	n, err := p.usb.Bulk(context.Background(), 0x01, data)
	return n, p.fault(err)
}

func (p boardPort) Read(data []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	n, err := p.usb.Bulk(ctx, 0x81, data)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return n, p.fault(err)
}

// fault is what the kernel says of a board that has left.
func (p boardPort) fault(err error) error {
	var gone interface{ Gone() bool }
	if errors.As(err, &gone) && gone.Gone() {
		return unix.EIO
	}
	return err
}

func (p boardPort) SetReadTimeout(time.Duration) error { return nil }
func (p boardPort) ResetInputBuffer() error            { return nil }
func (p boardPort) Close() error                       { return p.usb.Close() }

func equal[T comparable](t *testing.T, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
