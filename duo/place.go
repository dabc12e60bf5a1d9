package duo

// Place is a region of flash that firmware is written to.
type Place struct {
	// Name is what people call it.
	Name string
	// Alt is the alternate setting that reaches it, Address where it begins
	// there, and Size its room in bytes, a module's CRC included.
	Alt     uint8
	Address uint32
	Size    int
}

// Addresses in serial flash
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/flash_mal.h:79-84).
const (
	AddrFactory uint32 = 0x140000
	AddrWiFi    uint32 = 0x180000
)

// PlaceFactory returns where the image lies that a factory reset restores: a
// user part. Its slot has 256 KiB; the bootloader's bounds check accepts the
// first 128 of them (redbear/firmware hal/src/duo/ota_module_bounds.c:4-11).
func PlaceFactory() Place { return Place{"factory image", AltSerial, AddrFactory, 128 << 10} }

// PlaceWiFi returns where the firmware of the Wi-Fi chip lies: up to the end
// of serial flash.
func PlaceWiFi() Place {
	return Place{"Wi-Fi firmware", AltSerial, AddrWiFi, SerialSize - int(AddrWiFi)}
}

// placeOf returns where a module belongs by its function and index, and false
// when DFU reaches no such place.
func placeOf(m ModuleInfo) (Place, bool) {
	switch [2]uint8{m.Function, m.Index} {
	case [2]uint8{FunctionSystemPart, 1}:
		return Place{m.Name(), AltInternal, AddrPart1, int(AddrPart2 - AddrPart1)}, true
	case [2]uint8{FunctionSystemPart, 2}:
		return Place{m.Name(), AltInternal, AddrPart2, int(AddrUser - AddrPart2)}, true
	case [2]uint8{FunctionUserPart, 1}:
		return Place{m.Name(), AltInternal, AddrUser, int(InternalStart + InternalSize - AddrUser)}, true
	}
	return Place{}, false
}
