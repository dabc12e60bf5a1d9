package virtualduo

import "encoding/binary"

// The copy of the SETUP button on a header pin, as the DCT describes it
// (redbear/firmware bootloader/src/stm32f2xx/button.c:65-77).
const (
	mirrorAt       = 3631
	mirrorActive   = 0xAA
	mirrorDebounce = 0xBBCC
)

// InstallMirror makes a header pin act as SETUP from the next boot on, with
// bootloaders that look for it.
func (b *Board) InstallMirror() error {
	field := make([]byte, 32)
	field[0] = mirrorActive
	binary.LittleEndian.PutUint16(field[b.config.Unknowns.MirrorDebounceAt:], mirrorDebounce)
	return b.WriteDCT(mirrorAt, field)
}

// SetMirror drives that pin low, or lets its pull-up raise it.
func (b *Board) SetMirror(low bool) {
	b.lock()
	defer b.unlock()
	b.driven.mirror = low
	b.settleLines()
}

// lookForMirror is the bootloader's look at the DCT before it looks at SETUP.
func (b *Board) lookForMirror() {
	b.mirrored = false
	if b.loader.Mirror && b.engineReachable() {
		field := b.readStore(b.loaderStore(), mirrorAt, 32)
		debounce := binary.LittleEndian.Uint16(field[b.config.Unknowns.MirrorDebounceAt:])
		b.mirrored = field[0] == mirrorActive && debounce == mirrorDebounce
	}
	b.settleLines()
}
