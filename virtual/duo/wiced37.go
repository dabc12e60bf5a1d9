package virtualduo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// Wiced37 is the DCT engine of WICED 3.7, in system 0.3.2 and 0.3.3: two
// copies with a version block each, a sequence number and a chained CRC. Its
// rules are those of wiced_dct_internal_common.o and wiced_dct_update.o in
// redbear/firmware hal/src/duo/lib/FreeRTOS/STM32F2xx.a.
type Wiced37 struct{}

var _ Engine = Wiced37{}

// Errors of Engine.Write for a range that does not fit.
var (
	// ErrRejected: the write ends behind the sector; the flash is untouched.
	ErrRejected = errors.New("the DCT engine rejects the write: it ends behind the sector")
	// ErrRunaway: the write ends inside the version block. The engine's copy
	// length underflows and it programs flash without bound.
	ErrRunaway = errors.New("the DCT write ends in the version block: the engine runs away and destroys the board")
)

// Limit37 is the end of the application DCT behind its offset 0, in bytes.
const Limit37 = versionBlockAt - applicationOffset

const (
	headerSize        = 388
	writeIncompleteAt = 8 // byte: 0 = complete
	isCurrentAt       = 9
	appValidAt        = 10
	magicAt           = 12
	headerMagic       = "BRCM"

	versionBlockAt   = 0x3FF0
	versionBlockSize = 16
	versionMagic     = 0xDC0200CD
	sdkVersion       = 0x0370
	sdkAt            = 6
	crcAt            = 8
	initialWriteAt   = 12
	sequenceAt       = 13
	crcChunk         = 32
)

// class orders copies of different makes: a better class wins.
type class int

const (
	classInvalid class = iota
	classLegacy        // a header without a version block that counts
	classVersioned
)

// standing is what the engine knows of one copy.
type standing struct {
	class    class
	initial  int // 0 normal, 1 initial write, 255 bad CRC
	sequence int // -1 with a bad CRC
	current  byte
}

// Limit returns Limit37.
func (Wiced37) Limit() int { return Limit37 }

// Valid says whether one of the copies has a sound header.
func (Wiced37) Valid(flash Flash) bool {
	return judge(flash, 0).class != classInvalid || judge(flash, 1).class != classInvalid
}

// Current returns the copy in force and initialises the flash if there is none.
func (e Wiced37) Current(flash Flash) (int, error) {
	if !e.Valid(flash) {
		return 0, initialise37(flash)
	}
	return choose(judge(flash, 0), judge(flash, 1)), nil
}

// Write makes the other copy the current one, with data in it.
func (e Wiced37) Write(flash Flash, offset int, data []byte) error {
	at := applicationOffset + offset
	switch {
	case offset < 0 || offset > CopySize || at+len(data) > CopySize:
		return fmt.Errorf("%d bytes at %d: %w", len(data), offset, ErrRejected)
	case at+len(data) > versionBlockAt:
		return fmt.Errorf("%d bytes at %d: %w", len(data), offset, ErrRunaway)
	}
	current, err := e.Current(flash)
	if err != nil {
		return err
	}
	return swap37(flash, current, at, data)
}

// judge classifies one copy.
func judge(flash Flash, which int) standing {
	base := which * CopySize
	header := flash.Read(base, headerSize)
	if !headerSound(header) {
		return standing{class: classInvalid}
	}
	block := flash.Read(base+versionBlockAt, versionBlockSize)
	s := standing{class: classLegacy, current: header[isCurrentAt]}
	if !hasVersion(block) {
		return s
	}
	s.class = classVersioned
	s.sequence = int(block[sequenceAt])
	stored := binary.LittleEndian.Uint32(block[crcAt:])
	switch {
	case block[initialWriteAt] == 1 && stored == 0:
		s.initial = 1
	case stored != checksum(flash.Read(base, CopySize)):
		s.initial, s.sequence = 255, -1
	}
	return s
}

func headerSound(header []byte) bool {
	full := binary.LittleEndian.Uint32(header)
	used := binary.LittleEndian.Uint32(header[4:])
	return used <= full && header[writeIncompleteAt] == 0 && string(header[magicAt:magicAt+4]) == headerMagic
}

func hasVersion(block []byte) bool {
	sdk := binary.LittleEndian.Uint16(block[sdkAt:])
	return binary.LittleEndian.Uint32(block) == versionMagic && sdk >= 1 && sdk <= sdkVersion
}

// choose picks the current one of two copies of which at least one is valid.
func choose(first, second standing) int {
	switch {
	case first.class != second.class:
		return firstIf(first.class > second.class)
	case second.initial == 1:
		return 1
	case first.initial == 1:
		return 0
	case first.sequence != second.sequence:
		return firstIf(first.sequence > second.sequence)
	case first.sequence != -1:
		return 0
	default:
		return firstIf(first.current != 0)
	}
}

func firstIf(first bool) int {
	if first {
		return 0
	}
	return 1
}

// checksum is the chained CRC over a whole copy: header with write_incomplete
// taken as 0, body in chunks of 32 bytes, version block without CRC and
// initial_write (redbear/firmware hal/src/duo/dct_hal.c:11-19).
func checksum(copied []byte) uint32 {
	header := append([]byte(nil), copied[:headerSize]...)
	header[writeIncompleteAt] = 0
	c := step(math.MaxUint32, header)
	for at := headerSize; at < versionBlockAt; at += crcChunk {
		c = step(c, copied[at:min(at+crcChunk, versionBlockAt)])
	}
	block := append([]byte(nil), copied[versionBlockAt:versionBlockAt+versionBlockSize]...)
	fill(block[crcAt:crcAt+4], 0)
	block[initialWriteAt] = 0
	return step(c, block)
}

func step(c uint32, data []byte) uint32 {
	return crc32.ChecksumIEEE(data) ^ math.MaxUint32 ^ c
}

// swap37 writes the other copy. The byte write_incomplete going to 0 is the
// commit point: before it the old copy stays in force, after it the new one.
func swap37(flash Flash, current, offset int, data []byte) error {
	next := compose37(flash.Read(current*CopySize, CopySize), offset, data)
	oldBase, newBase := current*CopySize, (1-current)*CopySize
	if err := flash.Erase(1 - current); err != nil {
		return err
	}
	end := offset + len(data)
	next[writeIncompleteAt] = 1
	return programAll(flash, []piece{
		{newBase + headerSize, next[headerSize:offset]},
		{newBase + offset, next[offset:end]},
		{newBase + end, next[end:versionBlockAt]},
		{newBase, next[:headerSize]},
		{newBase + versionBlockAt, next[versionBlockAt:]},
		{newBase + writeIncompleteAt, []byte{0}},
		{oldBase + isCurrentAt, []byte{0}},
		{oldBase + versionBlockAt + initialWriteAt, []byte{0}},
	})
}

// compose37 is the finished new copy: old with data at offset.
func compose37(old []byte, offset int, data []byte) []byte {
	next := append([]byte(nil), old...)
	copy(next[offset:], data)
	next[isCurrentAt], next[appValidAt] = 1, 1
	next[writeIncompleteAt] = 0
	block := next[versionBlockAt:]
	sequence, pad := byte(1), [2]byte{}
	if oldBlock := old[versionBlockAt:]; binary.LittleEndian.Uint32(oldBlock) == versionMagic {
		sequence, pad = oldBlock[sequenceAt]+1, [2]byte(oldBlock[sequenceAt+1:])
	}
	clear(block)
	binary.LittleEndian.PutUint32(block, versionMagic)
	binary.LittleEndian.PutUint16(block[sdkAt:], sdkVersion)
	block[sequenceAt] = sequence
	copy(block[sequenceAt+1:], pad[:])
	binary.LittleEndian.PutUint32(block[crcAt:], checksum(next))
	return next
}

type piece struct {
	offset int
	data   []byte
}

func programAll(flash Flash, pieces []piece) error {
	for _, p := range pieces {
		if err := flash.Program(p.offset, p.data); err != nil {
			return err
		}
	}
	return nil
}

// initialise37 writes the default DCT. Its version block names SDK 0, so the
// copy counts as legacy.
func initialise37(flash Flash) error {
	if err := flash.Erase(0); err != nil {
		return err
	}
	header := defaultHeader37()
	header[writeIncompleteAt] = 1
	block := make([]byte, versionBlockSize)
	binary.LittleEndian.PutUint32(block, versionMagic)
	block[initialWriteAt], block[sequenceAt] = 1, 1
	err := programAll(flash, []piece{{0, header}, {versionBlockAt, block}, {writeIncompleteAt, []byte{0}}})
	if err != nil {
		return err
	}
	return flash.Erase(1)
}

// defaultHeader37 has the constants of boot_detail at 0x34 and of the eight
// apps_locations from 0x60, 36 bytes apart.
func defaultHeader37() []byte {
	header := make([]byte, headerSize)
	header[isCurrentAt] = 1
	copy(header[magicAt:], headerMagic)
	header[0x34] = 1
	for i := range 8 {
		header[0x60+36*i] = 2
		header[0x60+36*i+4] = byte(0x22 * i)
	}
	return header
}
