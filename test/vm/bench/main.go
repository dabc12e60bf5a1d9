//go:build guest

// Command bench measures our DFU host beside dfu-util: the same work on the same
// board, one after the other, as wall time. It runs in a guest of package vm and
// prints a table in Markdown. It knows neither QEMU nor where the board is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"duogateway/dfu/usb"
)

func main() {
	port := flag.String("port", "1-1", "USB port of the board, which is in DFU mode")
	rounds := flag.Int("rounds", 10, "how often each is measured")
	flag.Parse()
	if err := run(context.Background(), *port, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures all trials in turn and prints the table.
func run(ctx context.Context, port string, rounds int) (err error) {
	folder, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	ours := host{bus: usb.New(slog.New(slog.DiscardHandler)), port: port}
	theirs := tool{folder}
	trials := newTrials()
	// The first round is not counted: it fills caches and finds out whether both
	// do the same.
	for round := range rounds + 1 {
		for _, t := range trials {
			if err := t.measure(ctx, ours, theirs, round); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	return writeTable(os.Stdout, trials)
}
