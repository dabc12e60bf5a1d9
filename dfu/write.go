package dfu

import (
	"bytes"
	"context"
	"fmt"
)

// Write writes data (at least one byte) at addr, without erasing first. Both
// the layout and the caller's limit must allow it. Up to wTransferSize bytes
// are exactly one data block, so what the device does atomically by block stays
// atomic. Nil means that the device reported no failure, which proves nothing:
// read it back.
func (d *Device) Write(ctx context.Context, alt uint8, addr uint32, data []byte, progress Progress) error {
	return doing("write", alt, addr, len(data), d.write(ctx, alt, addr, data, progress))
}

func (d *Device) write(ctx context.Context, alt uint8, addr uint32, data []byte, progress Progress) error {
	if _, err := d.layout(alt, addr, len(data), Writable); err != nil {
		return err
	}
	if err := d.allow(alt, addr, len(data)); err != nil {
		return err
	}
	if err := d.begin(ctx, alt); err != nil {
		return err
	}
	for done := 0; done < len(data); {
		n := min(len(data)-done, d.info.TransferSize)
		if err := d.writeBlock(ctx, addr+uint32(done), data[done:done+n]); err != nil {
			return err
		}
		done += n
		report(progress, done, len(data))
	}
	return nil
}

// writeBlock sets the address and sends one block, as dfu-util does for each.
func (d *Device) writeBlock(ctx context.Context, addr uint32, block []byte) error {
	if err := d.command(ctx, commandSetAddress, addr); err != nil {
		return err
	}
	if err := d.dnload(ctx, firstBlock, block); err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return fmt.Errorf("write %d bytes at 0x%08x: %w", len(block), addr, err)
	}
	return nil
}

// Erase erases every sector that holds a byte of the range. The layout and the
// caller's limit must allow it for the whole of these sectors. Progress counts
// their bytes.
func (d *Device) Erase(ctx context.Context, alt uint8, addr uint32, length int, progress Progress) error {
	return doing("erase", alt, addr, length, d.erase(ctx, alt, addr, length, progress))
}

func (d *Device) erase(ctx context.Context, alt uint8, addr uint32, length int, progress Progress) error {
	layout, err := d.layout(alt, addr, length, Erasable)
	if err != nil {
		return err
	}
	start, size, err := layout.Cover(addr, length)
	if err != nil {
		return err
	}
	if err := d.allow(alt, start, size); err != nil {
		return err
	}
	if err := d.begin(ctx, alt); err != nil {
		return err
	}
	for done := 0; done < size; {
		sector, _ := layout.SectorAt(start + uint32(done))
		if err := d.command(ctx, commandErase, sector.Addr); err != nil {
			return err
		}
		done += sector.Size
		report(progress, done, size)
	}
	return nil
}

// Program erases the sectors of the range, writes data and reads it back
// freshly; other bytes in these sectors are lost. Both the erase and the write
// must be allowed before either begins. Progress counts the bytes of the three
// passes together.
func (d *Device) Program(ctx context.Context, alt uint8, addr uint32, data []byte, progress Progress) error {
	layout, err := d.layout(alt, addr, len(data), Readable|Erasable|Writable)
	if err == nil {
		err = d.allow(alt, addr, len(data))
	}
	if err != nil {
		return doing("program", alt, addr, len(data), err)
	}
	_, erased, err := layout.Cover(addr, len(data))
	if err != nil {
		return doing("program", alt, addr, len(data), err)
	}
	total := erased + 2*len(data)
	pass := func(before int) Progress {
		return func(done, _ int) { report(progress, before+done, total) }
	}
	if err := d.Erase(ctx, alt, addr, len(data), pass(0)); err != nil {
		return err
	}
	if err := d.Write(ctx, alt, addr, data, pass(erased)); err != nil {
		return err
	}
	got, err := d.ReadFresh(ctx, alt, addr, len(data), pass(erased+len(data)))
	if err == nil && !bytes.Equal(got, data) {
		err = doing("program", alt, addr, len(data), ErrMismatch)
	}
	return err
}
