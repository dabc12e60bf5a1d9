package usbip

import (
	"testing"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
	virtualduo "duogateway/virtual/duo"
)

// Every generation passes the suite of DFU devices through USB/IP as well.
func TestBoardsConformOverUSBIP(t *testing.T) {
	for _, bootloader := range []*virtualduo.Bootloader{virtualduo.BootloaderR3(), virtualduo.BootloaderR6()} {
		t.Run(bootloader.Name, func(t *testing.T) {
			dfutest.BubbleSuite(t, func(t *testing.T) dfutest.Fixture {
				board := inDFU(t, bootloader)
				p := plug(t, board)
				return dfutest.Fixture{
					Open: func() (dfu.Transport, error) { return plugIn(t, p), nil },
					Flash: []dfutest.Area{
						{Alt: 0, Addr: 0x080C0000, Length: 256 << 10},
						{Alt: 2, Addr: 0, Length: 16 << 10},
					},
					Record: []dfutest.Area{{Alt: 1, Addr: 34, Length: 2560}},
					Unplug: board.PowerOff,
					Replug: func() { enterDFU(board) },
				}
			})
		})
	}
}
