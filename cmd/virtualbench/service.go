package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// service runs until ctx ends.
type service func(ctx context.Context) error

// together runs services until ctx ends or one of them does; its error ends
// the others.
func together(ctx context.Context, services ...service) error {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, s := range services {
		all.Go(func() { cancel(s(running)) })
	}
	all.Wait()
	return ending(ctx, context.Cause(running))
}

// ending is the error of a service, unless it is the end that was wanted.
func ending(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listenHere listens at an address that only this machine reaches.
func listenHere(address string) (net.Listener, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("where to listen: %w", err)
	}
	if !at.IP.IsLoopback() {
		return nil, fmt.Errorf("%s: %w", address, errNotLoopback)
	}
	return net.ListenTCP("tcp", at)
}

// serveEach serves one connection after the other until ctx ends.
func serveEach(ctx context.Context, listener net.Listener, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // Accept reports it
	defer stop()
	for {
		conn, err := listener.Accept()
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		serveOne(ctx, conn, serve)
	}
}

func serveOne(ctx context.Context, conn net.Conn, serve func(net.Conn)) {
	defer func() { _ = conn.Close() }()                         // nobody is left to tell
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the reader reports it
	defer stop()
	serve(conn)
}

// dialPatiently connects, and tries again while nobody listens.
func dialPatiently(ctx context.Context, address string) (net.Conn, error) {
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("connecting to %s: %w", address, errors.Join(ctx.Err(), err))
		}
	}
}
