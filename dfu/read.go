package dfu

import "context"

// Blocks of an upload: number 2 is at the pointer, numbers have 16 bits.
const (
	firstBlock = 2
	maxBlocks  = 1<<16 - firstBlock
)

// Read returns length bytes (at least one) from addr, which must be readable
// by the layout. A device may answer a read it cannot do with zeros or with
// old bytes; see [Device.ReadFresh].
func (d *Device) Read(ctx context.Context, alt uint8, addr uint32, length int, progress Progress) ([]byte, error) {
	data, err := d.read(ctx, alt, addr, length, progress)
	return data, doing("read", alt, addr, length, err)
}

func (d *Device) read(ctx context.Context, alt uint8, addr uint32, length int, progress Progress) ([]byte, error) {
	if _, err := d.layout(alt, addr, length, Readable); err != nil {
		return nil, err
	}
	if err := d.begin(ctx, alt); err != nil {
		return nil, err
	}
	data := make([]byte, length)
	for done := 0; done < length; {
		run := min(length-done, maxBlocks*d.info.TransferSize)
		err := d.readRun(ctx, addr+uint32(done), data[done:done+run], func(n, _ int) {
			report(progress, done+n, length)
		})
		if err != nil {
			return nil, err
		}
		done += run
	}
	return data, nil
}

// readRun fills data, which is no more than the blocks that one SET_ADDRESS
// reaches. The first ABORT is what lets a device go from SET_ADDRESS to UPLOAD,
// the last one leads back to dfuIDLE.
func (d *Device) readRun(ctx context.Context, addr uint32, data []byte, progress Progress) error {
	if err := d.command(ctx, commandSetAddress, addr); err != nil {
		return err
	}
	if err := d.abort(ctx); err != nil {
		return err
	}
	block := uint16(firstBlock)
	for done := 0; done < len(data); block++ {
		n := min(len(data)-done, d.info.TransferSize)
		if err := d.upload(ctx, block, data[done:done+n]); err != nil {
			return err
		}
		done += n
		report(progress, done, len(data))
	}
	return d.abort(ctx)
}

// ReadFresh is Read for checking a write: it first reads a block elsewhere in
// the same memory, so that a device which answers from its transfer buffer
// does not send back what was just written. No other alternate setting is
// touched. The block behind the range is taken, else the one before it, else
// the last one of the range itself.
func (d *Device) ReadFresh(ctx context.Context, alt uint8, addr uint32, length int, progress Progress) ([]byte, error) {
	layout, err := d.layout(alt, addr, length, Readable)
	if err != nil {
		return nil, doing("read", alt, addr, length, err)
	}
	elsewhere, size := decoy(layout, addr, length, d.info.TransferSize)
	if _, err := d.Read(ctx, alt, elsewhere, size, nil); err != nil {
		return nil, err
	}
	return d.Read(ctx, alt, addr, length, progress)
}

// decoy chooses the block that ReadFresh reads first.
func decoy(layout Layout, addr uint32, length, block int) (uint32, int) {
	behind := addr + uint32(length)
	if layout.Check(behind, block, Readable) == nil {
		return behind, block
	}
	before := addr - uint32(block)
	if before < addr && layout.Check(before, block, Readable) == nil {
		return before, block
	}
	size := min(block, length)
	return behind - uint32(size), size
}
