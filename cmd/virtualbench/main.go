// Command virtualbench is a bench without hardware: virtual boards whose lines
// and USB a real daemon drives, and tools around them. It is for trying the
// station out and for testing it; it never runs on the appliance.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is stamped by the build.
var version = "dev"

// cli is the command line.
type cli struct {
	Demo demoCmd `cmd:"" help:"Repair two virtual boards, and show each step."`
	DCT  struct {
		Write dctWriteCmd `cmd:"" help:"Write into a DCT image as a virtual board would."`
	} `cmd:"" name:"dct" help:"Work on images of a board's DCT flash."`

	Bench        benchCmd        `cmd:"" help:"Run a bench on a socket: one virtual board for each bay of a configuration."`
	Daemon       daemonCmd       `cmd:"" help:"Run the station's daemon on the bench of a socket."`
	GestureChild gestureChildCmd `cmd:"" hidden:"" help:"One gesture; started by the daemon."`

	Broker brokerCmd `cmd:"" help:"Run an MQTT broker on the loopback, for trying things out."`

	Duo   duoCmd   `cmd:"" help:"Put one virtual board on a real USB bus."`
	VHCI  vhciCmd  `cmd:"" name:"vhci" help:"Put a virtual board of another machine on this machine's USB bus."`
	Lines linesCmd `cmd:"" help:"Let pins of this machine drive the lines of a virtual board on another."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	complain(os.Stderr, err)
	os.Exit(exitCode(err))
}

// run executes one command line.
func run(ctx context.Context, args []string) error {
	parser, err := kong.New(&cli{}, kong.Name("virtualbench"), kong.Description("A bench without hardware."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return usageError{err}
	}
	return command.Run()
}
