package gpiotest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"duogateway/gpio"
)

// Serve offers a bench to real processes until the listener is closed. One
// connection is one claimed line: when its process dies the kernel closes it,
// and the bench lets the line go, as the GPIO driver would. It returns when
// all connections have ended.
func (b *Bench) Serve(listener net.Listener) {
	var all sync.WaitGroup
	for {
		conn, err := listener.Accept()
		if err != nil {
			break
		}
		all.Go(func() { b.serveLine(conn) })
	}
	all.Wait()
}

// serveLine serves one claimed line: "open CHIP NAME", then low, high, input
// or close, each answered by "ok" or by what is wrong.
func (b *Bench) serveLine(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	process := b.NewProcess()
	defer process.end()
	var pin *Pin
	for in := bufio.NewScanner(conn); in.Scan(); {
		var err error
		if words := strings.Fields(in.Text()); len(words) == 3 && words[0] == "open" {
			pin, err = b.open(process, words[1], words[2])
		} else {
			err = command(pin, in.Text())
		}
		if _, err := fmt.Fprintln(conn, answer(err)); err != nil {
			return
		}
	}
}

func command(pin *Pin, word string) error {
	if pin == nil {
		return errors.New("no line is open")
	}
	switch word {
	case "low":
		return pin.Low()
	case "high":
		return pin.High()
	case "input":
		return pin.Input()
	case "close":
		return pin.Close()
	}
	return fmt.Errorf("unknown command %q", word)
}

const (
	ok   = "ok"
	busy = "busy"
)

func answer(err error) string {
	switch {
	case err == nil:
		return ok
	case errors.Is(err, gpio.ErrLinesBusy):
		return busy
	}
	return err.Error()
}

// Dial returns an OpenPin that claims lines of the bench served at a unix
// socket.
func Dial(socket string) gpio.OpenPin {
	return func(chip, name string) (gpio.Pin, error) {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return nil, err
		}
		pin := &remotePin{conn: conn, in: bufio.NewScanner(conn)}
		if err := pin.ask("open " + chip + " " + name); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return pin, nil
	}
}

// remotePin is a pin at the other end of a socket.
type remotePin struct {
	conn net.Conn
	in   *bufio.Scanner
}

var _ gpio.Pin = (*remotePin)(nil)

func (p *remotePin) Low() error   { return p.ask("low") }
func (p *remotePin) High() error  { return p.ask("high") }
func (p *remotePin) Input() error { return p.ask("input") }
func (p *remotePin) Close() error { return errors.Join(p.ask("close"), p.conn.Close()) }

func (p *remotePin) ask(word string) error {
	if _, err := fmt.Fprintln(p.conn, word); err != nil {
		return err
	}
	if !p.in.Scan() {
		return errors.Join(errors.New("the bench is gone"), p.in.Err())
	}
	switch got := p.in.Text(); got {
	case ok:
		return nil
	case busy:
		return fmt.Errorf("the bench: %w", gpio.ErrLinesBusy)
	default:
		return errors.New("the bench: " + got)
	}
}
