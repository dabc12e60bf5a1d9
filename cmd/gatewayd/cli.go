package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// environment is what a command sees of the world.
type environment struct {
	stdout, stderr io.Writer

	// columns tells how wide the terminal on stdout is now, so that progress
	// may be drawn. It is nil when stdout is no terminal.
	columns func() int
}

// cli is the command line.
type cli struct {
	Socket string `help:"Socket of the daemon." default:"/run/gatewayd/gatewayd.sock" env:"GATEWAYD_SOCKET" placeholder:"PATH"`

	Repair   repairCmd   `cmd:"" group:"Jobs" help:"Find out what is wrong with the board in a bay and mend it."`
	Diagnose diagnoseCmd `cmd:"" group:"Jobs" help:"Say what is wrong with the board in a bay. Nothing is written to it."`
	Backup   backupCmd   `cmd:"" group:"Jobs" help:"Store the keys of the board in a bay. Nothing is written to it."`
	Restore  restoreCmd  `cmd:"" group:"Jobs" help:"Write a saved key back to its board, also over a sound one."`

	Regenerate regenerateCmd `cmd:"" group:"Jobs" help:"Let the board make a new key, and save it. The cloud has to be told of it."`
	FactoryDCT factoryDCTCmd `cmd:"" name:"factory-dct" group:"Jobs" help:"Write a factory DCT to the board, with its own keys, Wi-Fi and marks in it."`
	Flash      flashCmd      `cmd:"" group:"Jobs" help:"Write firmware to the board, after checking that it fits."`
	ServerKey  serverKeyCmd  `cmd:"" group:"Jobs" help:"Write the cloud's public key and address to the board."`

	Jobs   jobsCmd   `cmd:"" group:"Station" help:"List the jobs, show one, or cancel one; sign requests for jobs."`
	Bays   baysCmd   `cmd:"" group:"Station" help:"Show the bays and the boards in them."`
	Keys   keysCmd   `cmd:"" group:"Station" help:"List the saved keys; check, convert or salvage a key file. Secrets are never shown."`
	Events eventsCmd `cmd:"" group:"Station" help:"List what happened, in order."`
	Health healthCmd `cmd:"" group:"Station" help:"Ask whether the daemon runs, and how it stands."`
	MQTT   mqttCmd   `cmd:"" name:"mqtt" group:"Station" help:"Check the link to the broker, or show it."`

	DCT      dctCmd      `cmd:"" name:"dct" group:"Offline" help:"Look into dumps of a board's DCT."`
	Firmware firmwareCmd `cmd:"" group:"Offline" help:"Look into firmware images."`

	Run          runCmd          `cmd:"" group:"Daemon" help:"Run the station."`
	CheckConfig  checkConfigCmd  `cmd:"" group:"Daemon" help:"Check a configuration file."`
	Selftest     selftestCmd     `cmd:"" group:"Daemon" help:"Look whether this machine has what the configuration names. No board is touched; stop the daemon first."`
	GestureChild gestureChildCmd `cmd:"" hidden:"" help:"One gesture; started by the daemon."`
	Manual       manualCmd       `cmd:"" hidden:"" help:"Write a table of the manual."`
	Version      versionCmd      `cmd:"" group:"Daemon" help:"Print the version."`
}

// description is the help text in front of the commands.
func description() string {
	var codes []string
	for code, meaning := range exitMeanings {
		codes = append(codes, fmt.Sprintf("%d %s", code, meaning))
	}
	return "The station that gives RedBear Duo boards their cloud keys back.\n\n" +
		"Exit codes: " + strings.Join(codes, ", ") + "."
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, env environment) (code int) {
	var commands cli
	parser, err := kong.New(&commands,
		kong.Name("gatewayd"), kong.Description(description()), kong.UsageOnError(),
		kong.Writers(env.stdout, env.stderr), kong.Exit(func(code int) { panic(exitNow(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(env, &commands))
	if err != nil {
		fmt.Fprintln(env.stderr, "gatewayd:", err)
		return exitInternal
	}
	defer func() {
		if p := recover(); p != nil {
			now, ok := p.(exitNow)
			if !ok {
				panic(p)
			}
			code = int(now)
		}
	}()
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(env.stderr, "gatewayd: %v\nTry: gatewayd --help\n", err)
		return exitInternal
	}
	return complain(env, command.Run())
}

// exitNow is how kong ends a command line such as --help.
type exitNow int

// complain prints an error and returns the exit code for it. An ended job has
// said itself what there is to say.
func complain(env environment, err error) int {
	var ended jobEnded
	if err != nil && !errors.As(err, &ended) {
		fmt.Fprintln(env.stderr, "gatewayd:", err)
		if hint := hintFor(err); hint != "" {
			fmt.Fprintln(env.stderr, "          "+hint)
		}
	}
	return exitCode(err)
}
