package virtualduo

import (
	"encoding/binary"

	"duogateway/duo"
)

// factorySystemFlags are the first 24 bytes of the application DCT as the
// factory leaves them (redbear/firmware
// platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/platform_system_flags.h:18-40).
var factorySystemFlags = [24]byte{
	0xC0, 0xAC, 0xDE, 0x1A, 0x03, 0x00, 0xFF, 0xFF,
	0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
	0xFF, 0xFF, 0x00, 0xFF, 0x00, 0x00, 0x00, 0x0E,
}

// FactoryDCT composes the DCT flash that the vendor publishes as
// fac-dct-r1.bin: no keys of the device, serverKey at its place, the second
// copy blank. It has no version block.
func FactoryDCT(serverKey []byte) Image {
	image := BlankImage()
	clear(image[:headerSize])
	image[isCurrentAt], image[appValidAt] = 1, 1
	copy(image[magicAt:], headerMagic)
	application := image[applicationOffset:]
	copy(application, factorySystemFlags[:])
	copy(application[serverKeyOffset:], serverKey)
	return image
}

// factoryServerKey is what the factory writes at the server key field: the
// cloud's key, FF up to the address, the address.
func factoryServerKey() []byte {
	key := duo.ParticleServerKey()
	for len(key) < serverAddressAt {
		key = append(key, 0xFF)
	}
	const host = "device.spark.io"
	key = append(key, 1, byte(len(host)))
	return append(append(key, host...), 0)
}

// systemParts returns system part 1 and 2 of the given module_version: sound
// vector tables, module_info and CRC around bytes that mean nothing.
func systemParts(version uint16, seed uint64) (part1, part2 []byte) {
	part1 = module{
		Start: systemPart1At, Version: version, Function: functionSystem, Index: 1,
	}.build(12<<10, seed)
	second := module{
		Start: systemPart2At, Version: version, Function: functionSystem, Index: 2,
		Needs: dependency{functionSystem, 1, version},
	}
	if version >= 10 {
		second.AlsoNeeds = dependency{Function: functionBootloader}
	}
	return part1, second.build(32<<10, seed)
}

// factoryImage returns an application for the factory slot.
func factoryImage(version uint16, seed uint64) []byte {
	return module{
		Start: userPartAt, Version: 1, Function: functionUser, Index: 1,
		Needs: dependency{functionSystem, 2, version},
	}.build(6<<10, seed)
}

// factorySlot is slot 0 of flash_modules as the firmware keeps it: the
// factory image in serial flash belongs at the user part
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/src/flash_mal.c:552-579).
// The length the firmware writes is not known; it is the bounds check here.
func factorySlot() []byte {
	slot := make([]byte, 20)
	binary.LittleEndian.PutUint16(slot, slotMagicFactory)
	slot[2], slot[3] = deviceSerialFlash, deviceInternalFlash
	binary.LittleEndian.PutUint32(slot[4:], factoryImageAt)
	binary.LittleEndian.PutUint32(slot[8:], userPartAt)
	binary.LittleEndian.PutUint32(slot[12:], factoryImageLimit)
	slot[17] = functionUser
	return slot
}

const (
	slotMagicFactory    = 0x0FAC
	deviceInternalFlash = 0
	deviceSerialFlash   = 1
)
