package usbip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"golang.org/x/sys/unix"

	virtualduo "duogateway/virtual/duo"
)

// Attacher keeps a board at a port of this kernel's virtual host controller:
// whenever the board is on the bus, the kernel sees a device.
type Attacher struct {
	Plug       *Plug
	Controller Controller
	// Port is the number of the port, from 0. The ports of all controllers are
	// numbered through, in each first those of full speed: on Debian 15, then as
	// many of super speed. Port 0 is the first of the first root hub, such as 1-1.
	Port int
	Log  *slog.Logger
}

// Run attaches the board each time it joins the bus, until ctx ends, whose
// error it returns, or the kernel refuses. When the kernel lets the device go
// of itself, the next attachment of the board is the next chance.
func (a Attacher) Run(ctx context.Context) error {
	var last virtualduo.Attachment
	for {
		attached, err := a.Plug.await(ctx, last.Number)
		if err != nil {
			return err
		}
		last = attached
		if err := a.stay(ctx, attached); err != nil {
			return err
		}
	}
}

// stay is one attachment from its beginning to its end.
func (a Attacher) stay(ctx context.Context, attached virtualduo.Attachment) error {
	conn, err := a.connect(ctx)
	if err != nil {
		return err
	}
	log := a.Log.With("port", a.Port, "product", fmt.Sprintf("%04x", attached.Product), "number", attached.Number)
	log.Info("attached")
	err = a.Plug.serve(ctx, conn, attached)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errHostGone):
		log.Warn("the kernel has let the board go")
	case err != nil:
		log.Error("the board was taken off the bus", "error", err)
	default:
		log.Info("detached")
	}
	return nil
}

// connect makes a pair of sockets and gives one of them to the kernel.
func (a Attacher) connect(ctx context.Context) (net.Conn, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("make a connection to the kernel: %w", err)
	}
	err = a.Controller.attach(ctx, a.Port, theirs.Fd(), a.Plug.number())
	_ = theirs.Close() // the kernel has it
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	return ours, nil
}

func socketPair() (ours net.Conn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs = os.NewFile(uintptr(fds[0]), "kernel's end")
	file := os.NewFile(uintptr(fds[1]), "board's end")
	defer func() { _ = file.Close() }() // the connection has its own
	ours, err = net.FileConn(file)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}
