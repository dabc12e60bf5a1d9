package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"duogateway/daemon"
	"duogateway/gpio"
)

// guard refuses gestures where the kernel would leave a line pressed when the
// process that makes one dies. Letting lines go it never refuses. // P2
type guard struct {
	*gpio.Runner
	test func(chip, line string) error // chip.SelfTest
	log  *slog.Logger

	mu     sync.Mutex
	spare  map[string]string // by chip: a line that may be driven low
	judged map[string]error  // by chip, once it is known
}

// newGuard tests the chips that have a light at once. On the others, only a
// line of a bay can be driven low: that waits for its first gesture, when
// whatever an earlier run left there has been let go.
func newGuard(runner *gpio.Runner, cfg daemon.Config, test func(chip, line string) error, log *slog.Logger) *guard {
	g := &guard{Runner: runner, test: test, log: log, spare: map[string]string{}, judged: map[string]error{}}
	for _, lights := range allLights(cfg) {
		for _, line := range lights.Lines() {
			g.spare[lights.Chip] = line
		}
	}
	for _, b := range cfg.Bays {
		if g.spare[b.Chip] != "" {
			_ = g.judge(b.Lines()) // it is in the log; each gesture will say it again
		}
	}
	return g
}

// EnterDFU makes the gesture, unless the kernel is unfit.
func (g *guard) EnterDFU(ctx context.Context, bay gpio.Bay) (gpio.Result, error) {
	if err := g.judge(bay); err != nil {
		return gpio.Result{}, err
	}
	return g.Runner.EnterDFU(ctx, bay)
}

// Reset pulses RESET, unless the kernel is unfit.
func (g *guard) Reset(ctx context.Context, bay gpio.Bay) error {
	if err := g.judge(bay); err != nil {
		return err
	}
	return g.Runner.Reset(ctx, bay)
}

// judge finds out, once for each chip, whether its lines are let go when they
// are closed. What could not be found out is tried again at the next gesture.
func (g *guard) judge(bay gpio.Bay) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err, known := g.judged[bay.Chip]; known {
		return err
	}
	line := g.spare[bay.Chip]
	if line == "" && bay.Wiring == gpio.FET {
		line = bay.Setup
	}
	err := g.test(bay.Chip, line)
	if err != nil {
		err = fmt.Errorf("testing the kernel: %w", err)
		g.log.Error("no gestures are made", "chip", bay.Chip, "error", err)
	}
	if err == nil || errors.Is(err, gpio.ErrKeepsOutputs) {
		g.judged[bay.Chip] = err
	}
	return err
}
