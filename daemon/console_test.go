package daemon_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/daemon"
	"duogateway/job"
	"duogateway/keystore"
)

// fakeConsole remembers on which ports firmware was asked.
type fakeConsole struct{ ports []string }

func (c *fakeConsole) EnterDFU(_ context.Context, port string) error {
	c.ports = append(c.ports, port)
	return errors.New("it does not hear")
}

// The firmware is asked on the port with its bus, unless the configuration says
// that it is not to be asked.
func TestAskFirmware(t *testing.T) {
	for _, ask := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			cfg := twoBays(t)
			cfg.Gesture.AskFirmware, cfg.Bays[0].Port = ask, "1.1"
			b := &bench{bus: &fakeBus{}, gestures: &fakeGestures{}, button: make(fakeButton), log: &logBuffer{}}
			console := &fakeConsole{}
			parts := b.parts()
			parts.Console = console
			store, err := keystore.Open(cfg.Store, keystore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if b.Daemon, err = daemon.New(cfg, parts, store); err != nil {
				t.Fatal(err)
			}
			stop := b.work()
			b.bus.plug("1-1.1")
			if _, err := b.Station().Admit(job.Request{Kind: job.Diagnose, Bay: "bay-1", Source: job.FromCommand}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			stop()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
			if asked := slices.Equal(console.ports, []string{"1-1.1"}); asked != ask {
				t.Errorf("ask_firmware = %v: asked on %q", ask, console.ports)
			}
		})
	}
}
