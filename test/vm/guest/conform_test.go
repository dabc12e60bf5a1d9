//go:build guest

package guest

import (
	"context"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
	"duogateway/dfu/usb"
	virtualduo "duogateway/virtual/duo"
)

// The conformance suite passes over libusb and this kernel, with the newest
// bootloader and with the oldest. // P1
func TestConformsR6(t *testing.T) { conforms(t, virtualduo.BootloaderR6()) }

func TestConformsR3(t *testing.T) {
	long(t)
	conforms(t, virtualduo.BootloaderR3())
}

// conforms puts one board through the whole suite. Its flash areas are the
// smallest that there are, two sectors of each memory: each block costs some
// milliseconds of emulation. In internal flash that is where the DCT is.
func conforms(t *testing.T, bootloader *virtualduo.Bootloader) {
	t.Parallel()
	processors.take(t, 1)
	port := usbPorts.take(t, 1)[0]
	board := plugged(t, port, virtualduo.Config{Bootloader: bootloader, Timing: quickFlash})
	image := board.Flash()[bootloader.DCT[0]-flashStart:][:virtualduo.ImageSize]
	bus := usb.New(quiet(t))
	replug := func() {
		must(t, board.LoadDCT(image))
		startDFU(board)
		awaitProduct(t, port, inDFU)
	}
	replug()
	dfutest.Suite(t, func(t *testing.T) dfutest.Fixture {
		must(t, board.LoadDCT(image))
		return dfutest.Fixture{
			Open: func() (dfu.Transport, error) { return openBoard(t, bus, port) },
			Flash: []dfutest.Area{
				{Alt: 0, Addr: 0x08008000, Length: 32 << 10},
				{Alt: 2, Addr: 0, Length: 8 << 10},
			},
			Record: []dfutest.Area{{Alt: 1, Addr: 34, Length: 2560}},
			Unplug: board.PowerOff,
			Replug: replug,
		}
	})
}

// openBoard opens what is on a port in DFU mode.
func openBoard(t *testing.T, bus *usb.Bus, port string) (dfu.Transport, error) {
	t.Helper()
	return bus.Open(context.Background(), attached(t, bus, port))
}

// attached waits until libusb, too, sees a board in DFU mode on a port.
func attached(t *testing.T, bus *usb.Bus, port string) (found dfu.Attachment) {
	t.Helper()
	await(t, 10*time.Second, "a board in DFU mode on port "+port, func() bool {
		all, err := bus.Attachments(context.Background())
		must(t, err)
		for _, a := range all {
			if a.Port == port && a.Product == 0xD058 {
				found = a
				return true
			}
		}
		return false
	})
	return found
}
