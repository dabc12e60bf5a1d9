package recipe_test

import (
	"context"
	"testing"

	"duogateway/job"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

// lineEvents counts how often the lines of the board moved.
func lineEvents(r *rig.Rig) (moved int) {
	r.T.Helper()
	events, err := r.Bench.Events(context.Background())
	r.Must(err)
	for _, e := range events {
		if e.What == string(virtualduo.ResetLine) || e.What == string(virtualduo.SetupLine) {
			moved++
		}
	}
	return moved
}

// A board that runs gets its key back without a line being moved, and runs
// again.
func TestRepairByAskingTheFirmware(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"r3", "r4", "r5", "r6"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				loader, err := virtualduo.BootloaderByName(name)
				if err != nil {
					t.Fatal(err)
				}
				config := usual
				config.Bootloader = loader
				r := rig.New(t, config)
				r.Config.Gesture.AskFirmware = true
				key := keyOf(t, 1)
				install(r, key)
				r.Board.PowerOn()
				r.AwaitRunning()
				r.Keep()
				r.Board.PowerOff()
				zeroed(r)
				r.Board.PowerOn()
				r.AwaitRunning()
				r.Start()
				if j := do(r, job.Request{Kind: job.Repair}, ""); j.Steps[0].Detail != "by its firmware, which was asked to" {
					t.Errorf("it tells %q", j.Steps[0].Detail)
				}
				hasKey(r, key)
				checkStays(r, false)
				if n := lineEvents(r); n != 0 {
					t.Errorf("the lines moved %d times", n)
				}
			})
		})
	}
}
