package virtualduo

import (
	"errors"
	"fmt"
	"time"
)

// Bootloader is what differs between the generations r3 to r6.
type Bootloader struct {
	// Name is r3, r4, r5 or r6; Version the module_version.
	Name    string
	Version uint16
	// Size is the length of its image in bytes, without the CRC.
	Size int
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
	// ExtraFlagsAt is the place of extra_system_flags in the application DCT.
	ExtraFlagsAt int
	// FlagsInDCT says that the system flags live in the DCT, so that leaving
	// DFU writes it, and not in registers of the backup domain.
	FlagsInDCT bool
	// Mirror says that a header pin can be made to act as SETUP.
	Mirror bool
	// StaleReads says that a failed read shows the old buffer instead of zeros.
	StaleReads bool
	// Unverified says that a write into flash that was not erased seems to work.
	Unverified bool
	// Poll are the poll times by alternate setting.
	Poll [3]PollTimes
	// WicedAt is where the WICED application begins.
	WicedAt uint32
}

// PollTimes are what GETSTATUS announces before an operation.
type PollTimes struct{ Erase, Write time.Duration }

// BootloaderByName returns one of r3, r4, r5 and r6.
func BootloaderByName(name string) (*Bootloader, error) {
	for _, l := range bootloaders() {
		if l.Name == name {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no bootloader is called %q: use r3, r4, r5 or r6", name)
}

func bootloaders() []*Bootloader {
	return []*Bootloader{BootloaderR3(), BootloaderR4(), BootloaderR5(), BootloaderR6()}
}

var errNoBootloader = errors.New("the bootloader in flash is damaged")

// adoptBootloader makes the board behave as the bootloader that is in flash.
// One of a version that is not known here behaves as the one before it.
func (b *Board) adoptBootloader() error {
	found := moduleAt(b.internal, 0)
	if found.Function != functionBootloader || !found.intact(b.internal, 0) {
		return errNoBootloader
	}
	if found.Version == b.loader.Version {
		return nil
	}
	b.loader = bootloaderOf(found.Version)
	return nil
}

// bootloaderOf returns the bootloader of a module_version.
func bootloaderOf(version uint16) *Bootloader {
	known := bootloaders()
	found := known[0]
	for _, l := range known {
		if l.Version <= version {
			found = l
		}
	}
	return found
}

// image is a stand-in for the bootloader's own bytes in flash, with its
// module_info.
func (l *Bootloader) image() []byte {
	return module{Start: flashBase, Version: l.Version, Function: functionBootloader}.build(l.Size, uint64(l.Version))
}
