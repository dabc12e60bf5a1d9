package remote

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	virtualduo "duogateway/virtual/duo"
)

func TestFaultsReachTheBoard(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		must(t, api.SetFaults("1", virtualduo.Faults{Serial: "borrowed", Setup: virtualduo.StuckLow}))
		if state, err := api.Board("1"); err != nil || !state.SetupLow {
			t.Errorf("state %+v, %v", state, err)
		}
		must(t, api.SetFaults("1", virtualduo.Faults{Serial: "borrowed"}))
		must(t, api.Plug("1"))
		if device := product(t, api, 0xC058); device.Serial != "borrowed" {
			t.Errorf("serial %q", device.Serial)
		}
		if err := api.SetFaults("1", virtualduo.Faults{ZeroReads: 2}); err == nil {
			t.Error("a chance of 2 is taken")
		}
		if err := api.SetFaults("x", virtualduo.Faults{}); err == nil {
			t.Error("a bay that does not exist has faults")
		}
	})
}

func TestTheWrongPort(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		must(t, api.SetOwnFaults(Faults{Ports: map[string]string{"1": "1-9"}}))
		must(t, api.Plug("1"))
		device := product(t, api, 0xC058)
		if device.Port != "1-9" {
			t.Errorf("port %s", device.Port)
		}
		must(t, opened(t, api, device).Close())
		must(t, api.SetOwnFaults(Faults{}))
		if device := product(t, api, 0xC058); device.Port != "1-9" {
			t.Errorf("the board has moved to %s without enumerating", device.Port)
		}
		must(t, api.PowerCut("1"))
		if device := product(t, api, 0xC058); device.Port != "1-1.1" {
			t.Errorf("port %s without the fault", device.Port)
		}
		if err := api.SetOwnFaults(Faults{Ports: map[string]string{"x": "1-9"}}); err == nil {
			t.Error("a bay that does not exist has a port")
		}
	})
}

func TestABouncingButton(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		presses, err := api.Presses(ctx)
		must(t, err)
		must(t, api.SetOwnFaults(Faults{Seed: 5, Bounces: 3}))
		must(t, api.Press("1", time.Second))
		for i := range 7 {
			press := <-presses
			if bounce := press.Held <= longestBounce; bounce == (i == 3) || press.Held <= 0 || press.Bay != "1" {
				t.Errorf("closing %d: %+v", i, press)
			}
		}
		if err := api.SetOwnFaults(Faults{Bounces: -1}); err == nil {
			t.Error("a negative number of bounces is taken")
		}
	})
}

func TestTheHubDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bays []Bay
		for i, name := range []string{"1", "2"} {
			board := virtualduo.New(virtualduo.Config{Seed: uint64(i), WiFi: true})
			defer board.Close()
			must(t, board.InstallKey([]byte{0}))
			bays = append(bays, Bay{Name: name, Board: board, Port: name, Reset: "R" + name, Setup: "S" + name, Wiring: FET})
			board.PowerOn()
		}
		bench, err := New(bays...)
		must(t, err)
		count := func() int { devices, _ := bench.Devices(t.Context()); return len(devices) }
		time.Sleep(10 * time.Second)
		must(t, bench.DropHub(3*time.Second))
		if count() != 0 {
			t.Errorf("%d boards on the bus", count())
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		devices, err := bench.Devices(t.Context())
		must(t, err)
		if len(devices) != 2 || devices[0].Number != 3 || devices[1].Number != 4 {
			t.Errorf("devices %+v", devices)
		}
		if err := bench.DropHub(0); err == nil {
			t.Error("a hub drops for no time")
		}
	})
}

func TestTheHubDropsOverASocket(t *testing.T) {
	onBoth(t, oneBay(FET), func(t *testing.T, _ *Bench, api API) {
		must(t, api.Plug("1"))
		before := product(t, api, 0xC058)
		must(t, api.DropHub(time.Millisecond))
		waitFor(t, "the board to return", func() bool {
			devices, err := api.Devices(t.Context())
			return err == nil && len(devices) == 1 && devices[0].Number > before.Number
		})
	})
}
