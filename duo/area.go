package duo

import (
	"encoding/binary"
	"encoding/hex"

	"duogateway/secret"
)

// AreaSize is the size of the application DCT behind offset 0 of alternate
// setting 1. Nothing may be written beyond it.
const AreaSize = 8820

// Fields of the application DCT: offset and size in bytes
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/dct.h:71-213).
const (
	SystemFlagsOffset, SystemFlagsLen = 0, 32

	// The private key has 1216 bytes, of which the firmware stores and reads
	// the first 612 (redbear/firmware hal/inc/ota_flash_hal.h).
	PrivateKeyOffset, PrivateKeyReserved = 34, 1216
	PrivateKeyStored                     = 612

	// A public key of SPKILen bytes and zeros.
	PublicKeyOffset, PublicKeyReserved = 1250, 384

	ClaimCodeOffset, ClaimCodeLen         = 1762, 63
	ClaimedOffset, ClaimedLen             = 1825, 1
	VersionStringOffset, VersionStringLen = 1858, 32

	// A server key of ServerKeyLen bytes, filled up with FF.
	ServerKeyOffset, ServerKeyReserved         = 2082, 384
	ServerAddressOffset, ServerAddressReserved = 2466, 128

	FlashModulesOffset, FlashModulesLen = 2852, 100

	// The id that firmware 0.3.0 and later writes once, in binary.
	DeviceIDOffset = 3618

	ModeButtonMirrorOffset, ModeButtonMirrorLen = 3631, 32

	// The extra system flags moved with system 0.3.2.
	ExtraFlagsOffsetOld, ExtraFlagsOffsetNew, ExtraFlagsLen = 4258, 8391, 32
)

// wicedApplication marks a board that runs a bare WICED application instead
// of the system firmware (redbear/firmware bootloader/src/main.c:141-170).
const wicedApplication = 0x5AA5

// Area is an application DCT, or the part of it that a dump of alternate
// setting 1 holds. It contains a private key.
type Area struct {
	secret.Bytes
	// Start is the offset of the first byte: 0 unless a dump began later.
	Start int
}

// Field returns length bytes at offset of the application DCT, not copied,
// and false when the area does not hold all of them.
func (a Area) Field(offset, length int) ([]byte, bool) {
	at := offset - a.Start
	if at < 0 || length < 0 || at > a.Len()-length {
		return nil, false
	}
	return a.Reveal()[at : at+length : at+length], true
}

// DeviceID returns the id that the firmware has written into the DCT: only
// 0.3.0 and later do.
func (a Area) DeviceID() (DeviceID, bool) {
	raw, ok := a.Field(DeviceIDOffset, DeviceIDLen)
	if !ok || raw[0] == 0xFF {
		return "", false
	}
	return DeviceIDFromSerial(hex.EncodeToString(raw))
}

// WicedApplication reports whether the board is marked as running a bare
// WICED application. The bootloader sets and reads the mark, so its
// generation decides where it lies: r6 moved it, as system 0.3.2 did.
func (a Area) WicedApplication(gen Generation) bool {
	offset := ExtraFlagsOffsetOld
	if gen >= R6 {
		offset = ExtraFlagsOffsetNew
	}
	flag, ok := a.Field(offset, 2)
	return ok && binary.LittleEndian.Uint16(flag) == wicedApplication
}

// Block returns a copy of the repair block, and false when the area does not
// hold all of it.
func (a Area) Block() (Block, bool) {
	field, ok := a.Field(BlockOffset, BlockLen)
	if !ok {
		return Block{}, false
	}
	block, err := NewBlock(field)
	return block, err == nil
}
