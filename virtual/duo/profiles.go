package virtualduo

import (
	"encoding/hex"
	"strings"
	"time"
)

// The four bootloaders (redbear/Duo firmware/bootloader/duo-bootloader-r3.bin
// to r6.bin, built from redbear/firmware bootloader/src and
// platform/MCU/STM32F2xx/STM32_USB_Device_Driver).

const (
	layoutSmall = "@Internal Flash   /0x08000000/01*016Ka,02*016Kg,01*016Kg,01*064Kg,07*128Kg"
	layoutLarge = "@Internal Flash   /0x08000000/02*016Ka,02*016Kg,01*064Kg,07*128Kg"
	// namelessSerial is the serial number of every board with r3 or r4.
	namelessSerial = "00000000010C"
)

// BootloaderR3 is the bootloader of system 0.2.1 to 0.2.3. It has 16 KiB, no
// name of its own and does not look at what it has written.
func BootloaderR3() *Bootloader {
	r3 := BootloaderR4()
	r3.Name, r3.Version, r3.Size = "r3", 3, 0x3EF4
	r3.Unverified = true
	return r3
}

// BootloaderR4 is the bootloader of system 0.2.4. It has 16 KiB and no name of
// its own.
func BootloaderR4() *Bootloader {
	polls := PollTimes{5 * time.Millisecond, 5 * time.Millisecond}
	return &Bootloader{
		Name:              "r4",
		Version:           4,
		Size:              0x3F70,
		DeviceRelease:     0x0200,
		InternalLayout:    layoutSmall,
		ConfigurationName: "DFU Config",
		InterfaceName:     "DFU Interface",
		Serial:            func([12]byte) string { return namelessSerial },
		ProtectedUpTo:     0x08004000,
		DCT:               oldDCT(),
		Engine:            Wiced33{},
		ApplicationSize:   Limit33,
		ExtraFlagsAt:      extraFlagsBefore,
		FlagsInDCT:        true,
		StaleReads:        true,
		Poll:              [3]PollTimes{polls, dctPolls(), polls},
		WicedAt:           0x0800C000,
	}
}

// BootloaderR5 is the bootloader of system 0.3.0 and 0.3.1: 32 KiB, but still
// with a DCT engine of its own, the old one.
func BootloaderR5() *Bootloader {
	r5 := BootloaderR6()
	r5.Name, r5.Version, r5.Size = "r5", 5, 0x4600
	r5.Serial = func(uid [12]byte) string { return strings.ToUpper(hex.EncodeToString(uid[:])) }
	r5.Engine, r5.EngineInParts, r5.ApplicationSize = Wiced33{}, false, Limit33
	r5.ExtraFlagsAt, r5.FlagsInDCT, r5.StaleReads = extraFlagsBefore, true, true
	return r5
}

// BootloaderR6 is the bootloader of system 0.3.2 and 0.3.3. It has no DCT
// engine and calls the one in the system parts.
func BootloaderR6() *Bootloader {
	return &Bootloader{
		Name:              "r6",
		Version:           6,
		Size:              0x4394,
		DeviceRelease:     0x0250,
		InternalLayout:    layoutLarge,
		ConfigurationName: "DFU",
		InterfaceName:     "DFU",
		Serial:            func(uid [12]byte) string { return hex.EncodeToString(uid[:]) },
		WinUSB:            true,
		ProtectedUpTo:     0x08008000,
		DCT:               newDCT(),
		Engine:            Wiced37{},
		EngineInParts:     true,
		Mirror:            true,
		ApplicationSize:   Limit37,
		ExtraFlagsAt:      extraFlagsAt,
		Poll:              [3]PollTimes{altDCT: dctPolls()},
		WicedAt:           wicedApplicationAt,
	}
}

// dctPolls are the same in all of them.
func dctPolls() PollTimes { return PollTimes{Erase: 500 * time.Millisecond, Write: time.Millisecond} }
