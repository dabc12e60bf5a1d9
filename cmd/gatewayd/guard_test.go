package main

import (
	"errors"
	"log/slog"
	"testing"

	"duogateway/daemon"
	"duogateway/gpio"
)

// twoBays is a configuration with two bays on a chip and no lights.
func twoBays(wiring string) daemon.Config {
	cfg := daemon.DefaultConfig()
	cfg.Lights = daemon.LightsConfig{}
	for _, name := range []string{"left", "right"} {
		cfg.Bays = append(cfg.Bays, daemon.BayConfig{Name: name, Chip: "chip", Reset: "R-" + name, Setup: "S-" + name, Wiring: wiring})
	}
	return cfg
}

// tested is a guard whose tests end as told, and which lines were driven low.
func tested(t *testing.T, cfg daemon.Config, endings ...error) (*guard, *[]string) {
	t.Helper()
	var driven []string
	test := func(_, line string) error {
		if len(driven) == len(endings) {
			t.Fatalf("tested once more, with line %q", line)
		}
		driven = append(driven, line)
		return endings[len(driven)-1]
	}
	// No runner: a gesture that is let through would panic.
	return newGuard(nil, cfg, test, slog.New(slog.DiscardHandler)), &driven
}

// P2
func TestUnfitKernelGetsNoGestures(t *testing.T) {
	cfg := twoBays("fet")
	g, driven := tested(t, cfg, gpio.ErrKeepsOutputs)
	for _, b := range cfg.Bays {
		if _, err := g.EnterDFU(t.Context(), b.Lines()); !errors.Is(err, gpio.ErrKeepsOutputs) {
			t.Errorf("bay %s: entered DFU mode: %v", b.Name, err)
		}
		if err := g.Reset(t.Context(), b.Lines()); !errors.Is(err, gpio.ErrKeepsOutputs) {
			t.Errorf("bay %s: RESET: %v", b.Name, err)
		}
	}
	if len(*driven) != 1 || (*driven)[0] != "S-left" {
		t.Errorf("driven for the test: %q, want the SETUP of the first bay, once", *driven)
	}
}

func TestFitKernelIsTestedOnce(t *testing.T) {
	cfg := twoBays("fet")
	g, _ := tested(t, cfg, nil)
	for range 3 {
		if err := g.judge(cfg.Bays[0].Lines()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnclearTestIsRepeated(t *testing.T) {
	cfg := twoBays("fet")
	g, _ := tested(t, cfg, gpio.ErrLinesBusy, nil)
	if err := g.judge(cfg.Bays[0].Lines()); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("the first test: %v", err)
	}
	if err := g.judge(cfg.Bays[0].Lines()); err != nil {
		t.Errorf("the second test: %v", err)
	}
}

// A line that is wired directly is pressed when it is low.
func TestDirectLinesAreNotDrivenForATest(t *testing.T) {
	cfg := twoBays("direct")
	g, driven := tested(t, cfg, nil)
	if err := g.judge(cfg.Bays[0].Lines()); err != nil || (*driven)[0] != "" {
		t.Errorf("driven: %q, %v", *driven, err)
	}
}

func TestALightIsTriedAtTheStart(t *testing.T) {
	cfg := twoBays("direct")
	cfg.Lights = daemon.LightsConfig{Chip: "chip", Red: "L"}
	_, driven := tested(t, cfg, nil)
	if len(*driven) != 1 || (*driven)[0] != "L" {
		t.Errorf("driven for the test: %q, want the light", *driven)
	}
}
