package dfu_test

import (
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
	virtualduo "duogateway/virtual/duo"
)

// enterDFU holds SETUP for 3.4 s from a reset on.
func enterDFU(board *virtualduo.Board) {
	board.SetSetup(true)
	board.SetReset(true)
	board.PowerOn()
	time.Sleep(20 * time.Millisecond)
	board.SetReset(false)
	time.Sleep(3400 * time.Millisecond)
	board.SetSetup(false)
	time.Sleep(100 * time.Millisecond)
}

// duoFixture is a virtual Duo in DFU mode. Its areas are the user part, the
// keys and the server address in one block, and the user data of the serial
// flash (redbear/firmware hal/src/duo/ota_module_bounds.c:4-11,
// platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/dct.h:71-213).
func duoFixture(bootloader *virtualduo.Bootloader) func(t *testing.T) dfutest.Fixture {
	return func(t *testing.T) dfutest.Fixture {
		board := virtualduo.New(virtualduo.Config{Bootloader: bootloader})
		t.Cleanup(board.Close)
		enterDFU(board)
		return dfutest.Fixture{
			Open: func() (dfu.Transport, error) { return board.Open() },
			Flash: []dfutest.Area{
				{Alt: 0, Addr: 0x080C0000, Length: 256 << 10},
				{Alt: 2, Addr: 0, Length: 16 << 10},
			},
			Record: []dfutest.Area{{Alt: 1, Addr: 34, Length: 2560}},
			Unplug: board.PowerOff,
			Replug: func() { enterDFU(board) },
		}
	}
}

func TestVirtualDuoConforms(t *testing.T) {
	for _, bootloader := range []*virtualduo.Bootloader{
		virtualduo.BootloaderR3(), virtualduo.BootloaderR4(), virtualduo.BootloaderR5(), virtualduo.BootloaderR6(),
	} {
		t.Run(bootloader.Name, func(t *testing.T) { dfutest.BubbleSuite(t, duoFixture(bootloader)) })
	}
}
