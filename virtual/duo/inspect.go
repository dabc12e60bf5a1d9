package virtualduo

import (
	"errors"
	"fmt"
	"slices"
)

// What tests and benches see and change past the board's own doors. Nothing
// here takes time or counts as something a host did.

// Flash returns a copy of the internal flash, 1 MiB from 0x08000000.
func (b *Board) Flash() []byte {
	b.lock()
	defer b.unlock()
	b.settle()
	return slices.Clone(b.internal)
}

// SerialFlash returns a copy of the serial flash, 2 MiB.
func (b *Board) SerialFlash() []byte {
	b.lock()
	defer b.unlock()
	b.settle()
	return slices.Clone(b.serial)
}

// SetFlash replaces internal flash from address on, erased or not.
func (b *Board) SetFlash(address uint32, data []byte) error {
	if address < flashBase || int64(address)+int64(len(data)) > flashBase+flashSize {
		return fmt.Errorf("%d bytes at %#x are not inside internal flash", len(data), address)
	}
	b.lock()
	defer b.unlock()
	b.settle()
	copy(b.internal[address-flashBase:], data)
	return nil
}

// SetSerialFlash replaces serial flash from offset on, erased or not.
func (b *Board) SetSerialFlash(offset int, data []byte) error {
	if offset < 0 || offset > serialSize-len(data) {
		return fmt.Errorf("%d bytes at %#x are not inside serial flash", len(data), offset)
	}
	b.lock()
	defer b.unlock()
	b.settle()
	copy(b.serial[offset:], data)
	return nil
}

// RequestBoot sets the register by which running code asks the bootloader for
// a mode at the next reset: 0xEDFA for DFU, 0x5AFE for safe mode
// (redbear/firmware bootloader/src/main.c:245-258). It is lost with the power.
func (b *Board) RequestBoot(mode uint16) {
	b.lock()
	defer b.unlock()
	if b.powered {
		b.registers.bootMode = mode
	}
}

// LoadDCT replaces both DCT copies by an image of ImageSize bytes.
func (b *Board) LoadDCT(image []byte) error {
	if len(image) != ImageSize {
		return fmt.Errorf("a DCT image has %d bytes, not %d", ImageSize, len(image))
	}
	b.lock()
	defer b.unlock()
	b.settle()
	copy(b.flash(b.loaderStore()), image)
	return nil
}

// ApplicationDCT returns the application DCT as the board's engine finds it.
// It initialises nothing: without a valid copy all is FF.
func (b *Board) ApplicationDCT() []byte {
	b.lock()
	defer b.unlock()
	b.settle()
	return b.application(0, b.loader.ApplicationSize)
}

// WriteDCT writes through the board's engine at once.
func (b *Board) WriteDCT(offset int, data []byte) error {
	b.lock()
	defer b.unlock()
	return b.storeNow(offset, data)
}

// InstallKey writes a private key, in whatever form, and the public key that
// the firmware derives from it.
func (b *Board) InstallKey(der []byte) error {
	if len(der) > privateKeyReserved {
		return fmt.Errorf("a key of %d bytes does not fit into %d", len(der), privateKeyReserved)
	}
	b.lock()
	defer b.unlock()
	field := b.application(privateKeyOffset, privateKeyReserved)
	copy(field, der)
	return errors.Join(
		b.storeNow(privateKeyOffset, field),
		b.storeNow(publicKeyOffset, publicKeyFieldOf(field)),
	)
}

// ZeroKey fills the whole private key field with zeros.
func (b *Board) ZeroKey() error {
	return b.WriteDCT(privateKeyOffset, make([]byte, privateKeyReserved))
}

// DamageKey inverts length bytes of the private key field from offset.
func (b *Board) DamageKey(offset, length int) error {
	if offset < 0 || length < 0 || offset+length > privateKeyReserved {
		return fmt.Errorf("%d bytes at %d are not inside the private key field", length, offset)
	}
	b.lock()
	defer b.unlock()
	damaged := b.application(privateKeyOffset+offset, length)
	for i := range damaged {
		damaged[i] = ^damaged[i]
	}
	return b.storeNow(privateKeyOffset+offset, damaged)
}

// Commission does at once what the firmware's first boot does but for the
// key: it notes the factory slot and the device id.
func (b *Board) Commission() error {
	b.lock()
	defer b.unlock()
	return errors.Join(
		b.storeNow(flashModulesOffset, factorySlot()),
		b.storeNow(deviceIDOffset, b.config.UID[:]),
	)
}

// FirmwareKey returns the private key that the firmware would use, found its
// way; garbage gives garbage.
func (b *Board) FirmwareKey() FirmwareKey {
	b.lock()
	defer b.unlock()
	b.settle()
	return readKey(b.application(privateKeyOffset, privateKeyReserved))
}

// FirmwareFingerprint is the SHA-256, in hex, of the public key that the
// firmware would offer to the cloud; empty if its private key does not fit.
func (b *Board) FirmwareFingerprint() string { return b.FirmwareKey().Fingerprint() }

// HasWiFi says whether the board has Wi-Fi credentials.
func (b *Board) HasWiFi() bool {
	b.lock()
	defer b.unlock()
	return b.wifi
}
