package main

import (
	"strings"
	"testing"

	"duogateway/daemon"
)

// A machine without the chip of the configuration is told what it lacks, and
// nothing else fails for that.
func TestSelftestWithoutLines(t *testing.T) {
	cfg := daemon.DefaultConfig()
	cfg.Lights = daemon.LightsConfig{}
	cfg.Store, cfg.Runtime = t.TempDir(), t.TempDir()
	cfg.Bays = []daemon.BayConfig{{Name: "left", Chip: "no-such-chip", Reset: "A", Setup: "B", Wiring: "fet", Port: "1-1"}}
	notOK := map[string]string{}
	for _, f := range lookAround(t.Context(), cfg) {
		if !f.OK {
			notOK[f.What] = f.Say
		}
	}
	for _, what := range []string{"lines of bay left", "kernel and no-such-chip"} {
		if !strings.Contains(notOK[what], `no GPIO chip labelled "no-such-chip"`) {
			t.Errorf("%s: %q", what, notOK[what])
		}
	}
	for _, what := range []string{"store", "runtime folder", "clock"} {
		if say, bad := notOK[what]; bad {
			t.Errorf("%s is not ok: %s", what, say)
		}
	}
}

// A folder that may not be written fails.
func TestSelftestFolder(t *testing.T) {
	if f := folder("store", "/proc/1"); f.OK {
		t.Errorf("a folder of the kernel can be written: %s", f.Say)
	}
	if f := folder("store", t.TempDir()+"/new"); !f.OK {
		t.Errorf("a folder that the daemon will make fails: %s", f.Say)
	}
}
