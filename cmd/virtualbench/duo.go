package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
	"duogateway/virtual/simgpio"
	"duogateway/virtual/usbip"
)

// duoCmd is `virtualbench duo`: one virtual board on a real USB bus.
type duoCmd struct {
	Port   *int   `name:"vhci" xor:"bus" required:"" placeholder:"PORT" help:"Put the board into this port, from 0, of this kernel's virtual USB host controller (modprobe vhci-hcd)."`
	Listen string `name:"usbip" xor:"bus" required:"" placeholder:"HOST:PORT" help:"Offer the board over USB/IP at this loopback address."`
	BusID  string `name:"busid" default:"1-1" help:"Bus id of the board over USB/IP."`

	boardFlags `embed:""`
	lineFlags  `embed:""`

	Socket    string `placeholder:"PATH" help:"Socket of a bench with this board, to see and to break it."`
	Bay       string `default:"duo" help:"Name of the board on that bench."`
	Unpowered bool   `xor:"start" help:"Leave the board without power until it is plugged in over the socket."`
	DFU       bool   `name:"dfu" xor:"start" help:"Start the board in DFU mode, and not its firmware."`
}

// lineFlags say what drives the board's lines.
type lineFlags struct {
	Lines       *simgpio.Source `xor:"lines" placeholder:"LABEL:RESET:SETUP" help:"Let two pins of a gpio-sim chip drive the lines, by their offsets."`
	Wiring      simgpio.Wiring  `default:"fet" enum:"fet,direct" help:"What is between pins and lines: fet or direct."`
	LinesListen string          `xor:"lines" placeholder:"HOST:PORT" help:"Let another machine drive the lines, by virtualbench lines, at this loopback address."`
}

// Run keeps the board until ctx ends.
func (c duoCmd) Run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	board, err := c.newBoard()
	if err != nil {
		return err
	}
	defer board.Close()
	services, err := c.services(board, log)
	if err != nil {
		return err
	}
	c.start(board)
	fmt.Println(c.ready(board))
	return together(ctx, services...)
}

// modeDFU is what running code leaves in a register to ask the bootloader for
// DFU mode (redbear/firmware bootloader/src/main.c:245-258).
const modeDFU = 0xEDFA

// start gives the board power, if it shall have some.
func (c duoCmd) start(board *virtualduo.Board) {
	if c.Unpowered {
		return
	}
	if !c.DFU {
		board.PowerOn()
		return
	}
	board.SetReset(true)
	board.PowerOn()
	board.RequestBoot(modeDFU)
	board.SetReset(false)
}

// services opens all that the board is connected to.
func (c duoCmd) services(board *virtualduo.Board, log *slog.Logger) (all []service, err error) {
	for _, open := range []func(*virtualduo.Board, *slog.Logger) (service, error){
		c.onBus, c.lineFlags.onPins, c.lineFlags.onWire, c.onBench,
	} {
		s, err := open(board, log)
		if err != nil {
			return nil, err
		}
		if s != nil {
			all = append(all, s)
		}
	}
	return all, nil
}

// onBus is the board's USB cable.
func (c duoCmd) onBus(board *virtualduo.Board, log *slog.Logger) (service, error) {
	plug, err := usbip.NewPlug(board, c.BusID)
	if err != nil {
		return nil, err
	}
	if c.Port != nil {
		return usbip.Attacher{Plug: plug, Port: *c.Port, Log: log}.Run, nil
	}
	listener, err := listenHere(c.Listen)
	if err != nil {
		return nil, err
	}
	server := &usbip.Server{Plugs: []*usbip.Plug{plug}, Log: log}
	return func(ctx context.Context) error { return server.Serve(ctx, listener) }, nil
}

// onPins is a chip of this machine that drives the lines; nil for none.
func (l lineFlags) onPins(board *virtualduo.Board, log *slog.Logger) (service, error) {
	if l.Lines == nil {
		return nil, nil
	}
	pins, err := simgpio.Kernel{}.Open(*l.Lines, l.Wiring)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		defer func() { _ = pins.Close() }() // they were only read
		return pins.Follow(ctx, log, func(levels simgpio.Levels) error {
			drive(board, levels)
			return nil
		})
	}, nil
}

// onWire is another machine that drives the lines, one at a time; nil for none.
func (l lineFlags) onWire(board *virtualduo.Board, log *slog.Logger) (service, error) {
	if l.LinesListen == "" {
		return nil, nil
	}
	listener, err := listenHere(l.LinesListen)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return serveEach(ctx, listener, func(conn net.Conn) {
			log.Info("the lines are driven from elsewhere")
			err := simgpio.Receive(conn, func(levels simgpio.Levels) { drive(board, levels) })
			log.Info("the lines are let go", "error", err)
		})
	}, nil
}

// drive brings the levels to the board: SETUP first, which the board looks at
// when RESET rises.
func drive(board *virtualduo.Board, levels simgpio.Levels) {
	board.SetSetup(levels.SetupLow)
	board.SetReset(levels.ResetLow)
}

// onBench is the bench by which tests see and break the board; nil for none.
func (c duoCmd) onBench(board *virtualduo.Board, _ *slog.Logger) (service, error) {
	if c.Socket == "" {
		return nil, nil
	}
	bench, err := remote.New(remote.Bay{
		Name: c.Bay, Board: board, Port: c.BusID, Reset: "RESET", Setup: "SETUP", Wiring: remote.FET,
	})
	if err != nil {
		return nil, fmt.Errorf("building the bench: %w", err)
	}
	listener, err := net.Listen("unix", c.Socket)
	if err != nil {
		return nil, fmt.Errorf("opening the socket of the bench: %w", err)
	}
	return func(ctx context.Context) error { return remote.Serve(ctx, listener, bench) }, nil
}

// ready says that the board is there, and what to do next.
func (c duoCmd) ready(board *virtualduo.Board) string {
	said := fmt.Sprintf("ready: a Duo with bootloader %s, id %x, ", c.Bootloader, board.UID())
	next := "lsusb -v -d 2b04:"
	if c.DFU {
		next = "dfu-util -l -d 2b04:d058"
	}
	if c.Port != nil {
		return said + fmt.Sprintf("in port %d of vhci_hcd.0; try: %s", *c.Port, next)
	}
	host, port, _ := net.SplitHostPort(c.Listen) // it has been listened to
	return said + fmt.Sprintf("at %s; try as root: modprobe vhci-hcd && usbip --tcp-port %s attach -r %s -b %s; %s",
		c.Listen, port, host, c.BusID, next)
}

// vhciCmd is `virtualbench vhci`: boards of another machine on this one's bus.
type vhciCmd struct {
	From  string `required:"" placeholder:"HOST:PORT" help:"Where virtualbench duo --usbip offers the board."`
	BusID string `name:"busid" default:"1-1" help:"Bus id of the board there."`
	Port  int    `default:"0" help:"Port, from 0, of this kernel's virtual USB host controller (modprobe vhci-hcd)."`
}

// Run keeps the board attached until ctx ends.
func (c vhciCmd) Run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return ending(ctx, usbip.Importer{Address: c.From, BusID: c.BusID, Port: c.Port, Log: log}.Run(ctx))
}

// linesCmd is `virtualbench lines`: pins of this machine drive a board of another.
type linesCmd struct {
	FromChip simgpio.Source `required:"" placeholder:"LABEL:RESET:SETUP" help:"The pins on a gpio-sim chip, by their offsets."`
	Wiring   simgpio.Wiring `default:"fet" enum:"fet,direct" help:"What is between pins and lines: fet or direct."`
	To       string         `required:"" placeholder:"HOST:PORT" help:"Where virtualbench duo --lines-listen waits."`
}

// Run sends the levels until ctx ends or the other machine is gone.
func (c linesCmd) Run(ctx context.Context) error {
	pins, err := simgpio.Kernel{}.Open(c.FromChip, c.Wiring)
	if err != nil {
		return err
	}
	defer func() { _ = pins.Close() }() // they were only read
	conn, err := dialPatiently(ctx, c.To)
	if err != nil {
		return ending(ctx, err)
	}
	defer func() { _ = conn.Close() }() // the other end lets the lines go
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return ending(ctx, pins.Follow(ctx, log, simgpio.Send(conn)))
}

var errNotLoopback = errors.New("whoever reaches this address can do what he likes there: it must be on the loopback")
