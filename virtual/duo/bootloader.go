package virtualduo

import (
	"encoding/hex"
	"time"
)

// Bootloader is what differs between the generations r3 to r6.
type Bootloader struct {
	// Name is r3, r4, r5 or r6; Version the module_version.
	Name    string
	Version uint16
	// DeviceRelease is bcdDevice; InternalLayout the string of alternate setting 0.
	DeviceRelease  uint16
	InternalLayout string
	// ConfigurationName and InterfaceName are the strings 4 and 5.
	ConfigurationName, InterfaceName string
	// Serial is the habit of naming the board over USB.
	Serial func(uid [12]byte) string
	// WinUSB says that Windows is told which driver to take.
	WinUSB bool
	// ProtectedUpTo is the first address that DFU may write.
	ProtectedUpTo uint32
	// DCT are the addresses of the two copies.
	DCT [2]uint32
	// Engine keeps the DCT. EngineInParts says that the bootloader calls it
	// inside the system parts and has no DCT without them.
	Engine        Engine
	EngineInParts bool
	// ApplicationSize is the room behind offset 0 of alternate setting 1.
	ApplicationSize int
	// StaleReads says that a failed read shows the old buffer instead of zeros.
	StaleReads bool
	// Poll are the poll times by alternate setting.
	Poll [3]PollTimes
	// WicedAt is where the WICED application begins.
	WicedAt uint32
}

// PollTimes are what GETSTATUS announces before an operation.
type PollTimes struct{ Erase, Write time.Duration }

// BootloaderR6 is the bootloader of system 0.3.2 and 0.3.3
// (redbear/Duo firmware/bootloader/duo-bootloader-r6.bin, built from
// redbear/firmware bootloader/src and
// platform/MCU/STM32F2xx/STM32_USB_Device_Driver).
func BootloaderR6() *Bootloader {
	return &Bootloader{
		Name:              "r6",
		Version:           6,
		DeviceRelease:     0x0250,
		InternalLayout:    "@Internal Flash   /0x08000000/02*016Ka,02*016Kg,01*064Kg,07*128Kg",
		ConfigurationName: "DFU",
		InterfaceName:     "DFU",
		Serial:            func(uid [12]byte) string { return hex.EncodeToString(uid[:]) },
		WinUSB:            true,
		ProtectedUpTo:     0x08008000,
		DCT:               [2]uint32{0x08008000, 0x0800C000},
		Engine:            Wiced37{},
		EngineInParts:     true,
		ApplicationSize:   Limit37,
		Poll:              [3]PollTimes{1: {Erase: 500 * time.Millisecond, Write: time.Millisecond}},
		WicedAt:           wicedApplicationAt,
	}
}

// image is a stand-in for the bootloader's own bytes in flash, with its
// module_info.
func (l *Bootloader) image() []byte {
	return module{Start: flashBase, Version: l.Version, Function: functionBootloader}.build(16<<10, uint64(l.Version))
}
