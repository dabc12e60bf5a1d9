// Command gatewayd is the firmware of a repair station: the daemon, and the
// tools that talk to it or work on files. It is a thin main: one file a
// subcommand, and no rule about boards or jobs lives here.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is stamped by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], environment{stdout: os.Stdout, stderr: os.Stderr, columns: terminal(os.Stdout)})
	stop()
	os.Exit(code)
}
