package recipe

import (
	"bytes"
	"context"
	"encoding/binary"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
)

// readTries is how often something is read that came as zeros. A bootloader
// that cannot read says OK and sends zeros (redbear/firmware
// platform/MCU/STM32F2xx/STM32_USB_Device_Driver/src/usbd_dfu_core.c:818-866).
const readTries = 4

// readSure reads from internal flash and never takes a block of zeros for what
// is there: flash that nobody wrote is FF, and neither a DCT nor a bootloader
// has as many zeros in a row. A key must not seem to be zeroed, or be saved as
// zeros, because of a read that failed. // P1
func (v *visit) readSure(ctx context.Context, addr uint32, length int, progress dfu.Progress) ([]byte, error) {
	raw, err := v.device.ReadFresh(ctx, duo.AltInternal, addr, length, progress)
	if err != nil {
		return nil, usbFault(err)
	}
	for at, size := 0, v.device.Info().TransferSize; at < length; at += size {
		block := raw[at:min(at+size, length)]
		if err := v.readAgain(ctx, addr+uint32(at), block); err != nil {
			clear(raw)
			return nil, err
		}
	}
	return raw, nil
}

// readAgain reads a block that has come as zeros until it does not.
func (v *visit) readAgain(ctx context.Context, addr uint32, block []byte) error {
	for try := 1; zeros(block); try++ {
		if try == readTries {
			return job.Failf(job.USBRefused, "reading %d bytes at %#08x: only zeros came, %d times", len(block), addr, readTries)
		}
		again, err := v.device.Read(ctx, duo.AltInternal, addr, len(block), nil)
		if err != nil {
			return usbFault(err)
		}
		copy(block, again)
		clear(again)
	}
	return nil
}

func zeros(block []byte) bool { return len(bytes.Trim(block, "\x00")) == 0 }

// readVersion reads a module version. None is 0.
func (v *visit) readVersion(ctx context.Context, addr uint32) (uint16, error) {
	raw, err := v.device.Read(ctx, duo.AltInternal, addr, 2, nil)
	if err == nil {
		err = v.readAgain(ctx, addr, raw)
	}
	if err != nil {
		return 0, usbFault(err)
	}
	return binary.LittleEndian.Uint16(raw), nil
}
