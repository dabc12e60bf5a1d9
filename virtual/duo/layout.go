package virtualduo

// The application DCT begins this far into each copy
// (redbear/firmware hal/src/duo/wiced/platform/include/platform_dct.h:707-760).
const applicationOffset = 0x1D7C

// Offsets inside the application DCT, and field sizes, in bytes
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/dct.h:71-213).
const (
	privateKeyOffset   = 34
	privateKeyReserved = 1216
	privateKeyStored   = 612 // what the firmware writes of it
	publicKeyOffset    = 1250
	publicKeyField     = 384
	serverKeyOffset    = 2082
	serverKeyLength    = 294
	serverAddressAt    = 384 // within the server key field
	flashModulesOffset = 2852
	deviceIDOffset     = 3618
	deviceIDLength     = 12

	// system_flags and two of its fields, 16 bits each (redbear/firmware
	// platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/platform_system_flags.h:18-40).
	systemFlagsAt   = 0
	systemFlagsSize = 32
	otaUpdateFlagAt = 8
	watchdogFlagAt  = 14

	// extra_system_flags, whose first u16 is wiced_application, now and before 0.3.2.
	extraFlagsAt     = 8391
	extraFlagsBefore = 4258
)

// Values of extra_system_flags.wiced_application
// (redbear/firmware platform/MCU/STM32F2xx/STM32_USB_Device_Driver/src/usbd_dfu_core.c:650-666).
const (
	wicedApplicationYes = 0x5AA5
	wicedApplicationNo  = 0x1234
)

// The map of both flashes (redbear/firmware hal/src/duo/ota_module_bounds.c:4-11).
const (
	flashBase = 0x08000000
	flashSize = 1 << 20

	wicedApplicationAt = 0x08010000
	systemPart1At      = 0x08020000
	systemPart2At      = 0x08040000
	userPartAt         = 0x080C0000
	userPartSize       = 256 << 10

	serialSize       = 2 << 20
	serialSectorSize = 4 << 10
	serialPageSize   = 256
	factoryImageAt   = 0x140000
	// factoryImageLimit is the bounds check of the factory application.
	factoryImageLimit = 128 << 10
)
