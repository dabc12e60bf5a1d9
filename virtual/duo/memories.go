package virtualduo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The three memories of the DFU device (redbear/firmware
// platform/MCU/STM32F2xx/STM32_USB_Device_Driver/src: usbd_dfu_mal.c,
// usbd_flash_if.c, usbd_dct_if.c, usbd_sflash_if.c).
const (
	altInternal = 0
	altDCT      = 1
	altSerial   = 2
	altCount    = 3
)

func validAddress(alt uint8, address uint32) bool {
	switch alt {
	case altInternal:
		return address >= flashBase && address < flashBase+flashSize
	case altDCT:
		return address < CopySize
	default:
		return address < serialSize
	}
}

// readMemory returns what an upload shows. There is no short packet at a
// region's end: reads run on into what follows. Behind the end of internal
// flash that is unknown; here it is FF.
func (b *Board) readMemory(alt uint8, address uint32, length int) []byte {
	if !validAddress(alt, address) || alt == altDCT && !b.engineReachable() {
		return b.failedRead(length)
	}
	switch alt {
	case altInternal:
		return readOn(b.internal, int(address-flashBase), length)
	case altDCT:
		return b.readDCT(int(address), length)
	default: // one buffer; what a longer read shows is unknown
		read := readOn(b.serial, int(address), min(length, transferSize))
		copy(b.dfu.stale[:], read)
		return read
	}
}

// failedRead is what an upload shows when there is nothing to read: zeros, or
// with older bootloaders what the transfer buffer held before.
func (b *Board) failedRead(length int) []byte {
	out := make([]byte, length)
	if b.loader.StaleReads {
		copy(out, b.dfu.stale[:])
	}
	return out
}

func readOn(flash memory, offset, length int) []byte {
	out := blankMemory(length)
	copy(out, flash[min(offset, len(flash)):])
	return out
}

// readDCT reads from the current copy on.
func (b *Board) readDCT(offset, length int) []byte {
	s := b.loaderStore()
	current, _ := s.engine.Current(Image(b.flash(s))) // a valid copy exists: nothing is written
	return readOn(b.internal, s.offset(current)+applicationOffset+offset, length)
}

// defaultForRead is the default DCT that even a read of alternate setting 1
// writes when there is none.
func (b *Board) defaultForRead() []operation {
	if b.dfu.alt != altDCT {
		return nil
	}
	return b.missingDefault()
}

// eraseMemory erases the sector that holds address. The DCT has nothing to
// erase and says yes.
func (b *Board) eraseMemory(alt uint8, address uint32, reply *answer) {
	event := Event{What: HostErase, Alt: alt, Address: address}
	if !validAddress(alt, address) || b.protected(alt, address) {
		b.refuse(event, errors.New("no such sector, or a protected one"), reply)
		return
	}
	var operations []operation
	switch alt {
	case altInternal:
		s := sectorAt(int(address - flashBase))
		delete(b.writeProtected, s.offset)
		operations = []operation{eraseInternal(b.internal, s, b.config.Timing)}
	case altSerial:
		at := int(address) / serialSectorSize * serialSectorSize
		operations = []operation{{target: b.serial, offset: at, size: serialSectorSize, duration: b.config.Timing.SerialErase}}
	default:
		return
	}
	event.Length = operations[0].size
	b.counters.HostErases++
	b.tell(event)
	reply.wait = b.startWork(operations, nil)
}

func (b *Board) protected(alt uint8, address uint32) bool {
	return alt == altInternal && address < b.loader.ProtectedUpTo
}

// writeBlock writes one data block.
func (b *Board) writeBlock(address uint32, data []byte, reply *answer) {
	alt := b.dfu.alt
	event := Event{What: HostWrite, Alt: alt, Address: address, Length: len(data)}
	flag, err := b.markWiced(alt, address, data)
	if err != nil {
		b.refuse(event, err, reply)
		return
	}
	operations, failed, err := b.planWrite(alt, address, data)
	switch {
	case errors.Is(err, ErrRunaway):
		b.tell(event)
		b.destroy(err)
		return
	case err != nil:
		b.refuse(event, err, reply)
		return
	}
	b.counters.HostWrites++
	b.tell(event)
	operations = append(flag, operations...)
	if b.strikes(b.faults.LoseWrites, "lost write") {
		operations, failed = b.lost(operations), false
	}
	reply.wait = b.startWork(operations, nil)
	reply.wait.failed = failed
}

func (b *Board) refuse(event Event, why error, reply *answer) {
	event.What, event.Detail = HostRefused, why.Error()
	b.tell(event)
	reply.stall = true
}

// planWrite returns the operations of a write; failed says that the board
// will find something else than it wrote.
func (b *Board) planWrite(alt uint8, address uint32, data []byte) (operations []operation, failed bool, err error) {
	if !validAddress(alt, address) || b.protected(alt, address) {
		return nil, false, errors.New("no such address, or a protected one")
	}
	switch alt {
	case altInternal:
		return b.planInternal(int(address-flashBase), data)
	case altDCT:
		if !b.engineReachable() {
			return nil, false, errors.New("the DCT functions of the system parts cannot be reached")
		}
		operations, err = b.planStore(b.loaderStore(), int(address), data)
		if errors.Is(err, ErrSpilled) {
			return operations, true, nil
		}
		return operations, false, err
	default:
		operations, err = b.planSerial(int(address), data)
		return operations, false, err
	}
}

// planSerial programs pages.
func (b *Board) planSerial(offset int, data []byte) ([]operation, error) {
	room := serialSize - offset
	switch {
	case len(data) <= room:
		return programSerial(b.serial, offset, data, b.config.Timing), nil
	case b.config.Unknowns.SerialOverrun:
		operations := programSerial(b.serial, offset, data[:room], b.config.Timing)
		return append(operations, programSerial(b.serial, 0, data[room:], b.config.Timing)...), nil
	default:
		return nil, fmt.Errorf("%d bytes at %#x do not fit into serial flash", len(data), offset)
	}
}

// planInternal programs whole words, the last one filled up with FF, and
// fails if the flash was not erased before, unless the bootloader never looks.
func (b *Board) planInternal(offset int, data []byte) (operations []operation, failed bool, err error) {
	padded := slices.Clone(data)
	for len(padded)%4 != 0 {
		padded = append(padded, 0xFF)
	}
	if b.config.Unknowns.InternalOverrun {
		padded = padded[:min(len(padded), flashSize-offset)]
	}
	if offset+len(padded) > flashSize {
		return nil, false, fmt.Errorf("%d bytes at %#x run over the end of flash", len(data), flashBase+offset)
	}
	for at := offset; at < offset+len(padded); {
		s := sectorAt(at)
		if b.writeProtected[s.offset] {
			return nil, false, fmt.Errorf("the sector at %#x is write-protected", flashBase+s.offset)
		}
		at = s.offset + s.size
	}
	for i, value := range padded {
		failed = failed || b.internal[offset+i]&value != value
	}
	failed = failed && !b.loader.Unverified
	return programInternal(b.internal, offset, padded, b.config.Timing), failed, nil
}

// markWiced is the bootloader's note of which program comes next: the first
// data block after the configuration was read, at the start of a program and
// with a stack pointer in front, changes a flag in the DCT (usbd_dfu_core.c:650-666).
func (b *Board) markWiced(alt uint8, address uint32, data []byte) ([]operation, error) {
	first := b.dfu.initTransfer
	b.dfu.initTransfer = false
	if alt != altInternal || !first || len(data) < 4 {
		return nil, nil
	}
	var value uint16
	switch address {
	case b.loader.WicedAt:
		value = wicedApplicationYes
	case systemPart1At, systemPart2At:
		value = wicedApplicationNo
	default:
		return nil, nil
	}
	stack := binary.LittleEndian.Uint32(data)
	if stack <= 0x20000000 || stack > 0x20020000 || !b.engineReachable() {
		return nil, nil
	}
	return b.planStore(b.loaderStore(), b.loader.ExtraFlagsAt, binary.LittleEndian.AppendUint16(nil, value))
}
