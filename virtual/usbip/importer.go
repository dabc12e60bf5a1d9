package usbip

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// How often a server is asked for a board, and a port is looked at.
const importPeriod = 20 * time.Millisecond

// Importer keeps a board of a server elsewhere at a port of this kernel's
// virtual host controller. Whenever the board, the server or the network comes
// back, so does the device.
type Importer struct {
	// Address is that of the server, such as 10.0.2.2:3240.
	Address string
	// BusID is where the board is on the server, such as 1-1.
	BusID      string
	Controller Controller
	Port       int // of the controller, from 0
	Log        *slog.Logger
}

// Run imports the board each time it can be had, until ctx ends, whose error
// it returns, or this kernel refuses.
func (i Importer) Run(ctx context.Context) error {
	said := ""
	for {
		conn, device, err := i.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			said = ""
			if err := i.stay(ctx, conn, device); err != nil {
				return err
			}
		case err.Error() != said: // once, not at each attempt
			said = err.Error()
			i.Log.Info("waiting for the board", "because", err)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(importPeriod):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask imports the board, if it is there.
func (i Importer) ask(ctx context.Context) (conn net.Conn, device uint32, err error) {
	dialer := net.Dialer{Timeout: requestPatience}
	conn, err = dialer.DialContext(ctx, "tcp", i.Address)
	if err != nil {
		return nil, 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	device, err = importBoard(conn, i.BusID)
	if err != nil {
		_ = conn.Close()
		return nil, 0, err
	}
	return conn, device, nil
}

// importBoard asks for a board on a connection to a server.
func importBoard(conn net.Conn, busID string) (device uint32, err error) {
	_ = conn.SetDeadline(time.Now().Add(requestPatience)) // connections to a server have deadlines
	if _, err := conn.Write(importRequest(busID)); err != nil {
		return 0, fmt.Errorf("ask for a board: %w", err)
	}
	return readImportReply(conn)
}

// stay gives the connection to the kernel and waits until the device has gone.
func (i Importer) stay(ctx context.Context, conn net.Conn, device uint32) error {
	err := i.give(ctx, conn, device)
	_ = conn.Close() // the kernel has it
	if err != nil {
		return err
	}
	i.Log.Info("attached", "port", i.Port)
	for {
		free, err := i.Controller.free(i.Port)
		if err != nil {
			return err
		}
		if free {
			i.Log.Info("detached", "port", i.Port)
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func (i Importer) give(ctx context.Context, conn net.Conn, device uint32) error {
	raw, err := conn.(syscall.Conn).SyscallConn() // a TCP connection is one
	if err != nil {
		return fmt.Errorf("take the socket of a connection: %w", err)
	}
	var refused error
	err = raw.Control(func(socket uintptr) {
		refused = i.Controller.attach(ctx, i.Port, socket, device)
	})
	if err != nil {
		return fmt.Errorf("take the socket of a connection: %w", err)
	}
	return refused
}
