package remote

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	virtualduo "duogateway/virtual/duo"
)

// A bench in process runs in fake time, gesture and all.
func TestGestureOnTheBenchInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := virtualduo.New(virtualduo.Config{FactoryImage: true, WiFi: true})
		defer board.Close()
		must(t, errors.Join(board.InstallKey(virtualduo.GenerateKey(1).Reveal()), board.Commission()))
		bench, err := New(Bay{Name: "1", Board: board, Port: "1-1.1", Reset: "GPIO17", Setup: "GPIO27", Wiring: FET})
		must(t, err)
		must(t, bench.Plug("1"))
		time.Sleep(5 * time.Second)
		reset, err := bench.OpenPin("GPIO17")
		must(t, err)
		setup, err := bench.OpenPin("GPIO27")
		must(t, err)
		must(t, errors.Join(setup.High(), reset.High()))
		time.Sleep(20 * time.Millisecond)
		must(t, reset.Close())
		time.Sleep(3400 * time.Millisecond)
		if devices, _ := bench.Devices(t.Context()); len(devices) != 0 {
			t.Errorf("on the bus with SETUP held: %+v", devices)
		}
		must(t, setup.Close())
		time.Sleep(20 * time.Millisecond)
		devices, err := bench.Devices(t.Context())
		must(t, err)
		if len(devices) != 1 || devices[0].Product != 0xD058 || devices[0].Port != "1-1.1" || devices[0].Number != 2 {
			t.Errorf("devices %+v", devices)
		}
	})
}
