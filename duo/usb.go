package duo

// USB identity of a Duo (redbear/firmware build/platform-id.mk:233-241).
const (
	// VendorID is Particle's USB vendor id.
	VendorID uint16 = 0x2B04
	// ProductDFU is the product id of the bootloader in DFU mode.
	ProductDFU uint16 = 0xD058
	// ProductRun is the product id of the running system firmware.
	ProductRun uint16 = 0xC058
	// PlatformID is the platform of every Duo firmware module, and the
	// product id of the Duo in Particle's cloud.
	PlatformID = 88
)

// Alternate settings of the DFU interface
// (redbear/firmware platform/MCU/STM32F2xx/STM32_USB_Device_Driver/inc/usbd_flash_if.h:42,
// usbd_dct_if.h:25, usbd_sflash_if.h:30).
const (
	// AltInternal shows the internal flash at its own addresses.
	AltInternal uint8 = 0
	// AltDCT shows the application DCT of the current copy from offset 0.
	AltDCT uint8 = 1
	// AltSerial shows the serial flash from address 0.
	AltSerial uint8 = 2
)
