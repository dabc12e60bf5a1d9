//go:build vm

package vm_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"testing"

	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/simgpio"
	"duogateway/virtual/usbip"
)

// fromGuest is where a guest finds the loopback of this machine.
const fromGuest = "10.0.2.2:"

// hostBoard is a board on this machine, whose USB and lines a guest has over the
// network: it outlives the guest.
type hostBoard struct {
	*virtualduo.Board
	usb, lines string // where the guest finds them
}

// newHostBoard makes a board without power that lasts as long as the test. Its
// key is that of the fingerprint.
func newHostBoard(t *testing.T) (b *hostBoard, fingerprint string) {
	t.Helper()
	board := virtualduo.New(virtualduo.Config{Seed: 1, FactoryImage: true, WiFi: true})
	t.Cleanup(board.Close)
	key, err := duo.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	defer key.Clear()
	if err := errors.Join(board.InstallKey(key.Fixed().Reveal()), board.Commission()); err != nil {
		t.Fatal(err)
	}
	plug, err := usbip.NewPlug(board, "1-1")
	if err != nil {
		t.Fatal(err)
	}
	server := &usbip.Server{Plugs: []*usbip.Plug{plug}, Log: slog.New(slog.DiscardHandler)}
	return &hostBoard{
		Board: board,
		usb:   listen(t, server.Serve),
		lines: listen(t, func(ctx context.Context, listener net.Listener) error {
			return serveLines(ctx, listener, board)
		}),
	}, key.Fingerprint()
}

// serveLines lets one guest after the other drive the lines of a board. Those of
// a guest that has lost its power are let go, as by transistors whose gates are
// pulled down.
func serveLines(ctx context.Context, listener net.Listener, board *virtualduo.Board) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // Accept reports it
	defer stop()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		drop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the reader reports it
		// The end of a connection is how a guest dies; how it ends says nothing.
		_ = simgpio.Receive(conn, func(levels simgpio.Levels) {
			board.SetSetup(levels.SetupLow)
			board.SetReset(levels.ResetLow)
		})
		drop()
		_ = conn.Close()
	}
}

// listen serves on a port of the loopback until the end of the test, and says
// where a guest finds it.
func listen(t *testing.T, serve func(context.Context, net.Listener) error) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serving %v: %v", listener.Addr(), err)
		}
	})
	return fromGuest + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}
