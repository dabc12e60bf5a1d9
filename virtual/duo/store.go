package virtualduo

import "slices"

// store is the DCT as one program finds it: the bootloader and the system
// firmware have each an engine and addresses of their own, which agree unless
// the two are of different generations.
type store struct {
	engine Engine
	at     [2]uint32
}

func (b *Board) loaderStore() store { return store{b.loader.Engine, b.loader.DCT} }

// firmwareStore is that of system part 2, or the bootloader's while there is none.
func (b *Board) firmwareStore() store {
	if !b.hasPart2() {
		return b.loaderStore()
	}
	release := b.release()
	return store{release.Engine, release.DCT}
}

// release is the system firmware that is in flash.
func (b *Board) release() Release {
	return releaseOf(moduleAt(b.internal, systemPart2At-flashBase).Version)
}

func (b *Board) hasPart2() bool {
	part2 := moduleAt(b.internal, systemPart2At-flashBase)
	return part2.Start == systemPart2At && part2.Platform == platformDuo
}

func (s store) offset(which int) int { return int(s.at[which] - flashBase) }

// flash is the part of internal flash that holds both copies.
func (b *Board) flash(s store) memory {
	at := s.offset(0)
	return b.internal[at : at+ImageSize]
}

// recorder is DCT flash to an engine: it works on a copy and writes down what
// the hardware has to do.
type recorder struct {
	board      *Board
	store      store
	image      Image
	operations []operation
}

var _ Flash = (*recorder)(nil)

// spillRoom is as far as a write may run over the end of the second copy.
const spillRoom = CopySize

func (b *Board) record(s store) *recorder {
	at := s.offset(0)
	return &recorder{board: b, store: s, image: Image(slices.Clone(b.internal[at : at+ImageSize+spillRoom]))}
}

func (r *recorder) Read(offset, length int) []byte { return r.image.Read(offset, length) }

func (r *recorder) Erase(which int) error {
	erase := eraseInternal(r.board.internal, sectorAt(r.store.offset(which)), r.board.config.Timing)
	r.operations = append(r.operations, erase)
	return r.image.Erase(which)
}

func (r *recorder) Program(offset int, data []byte) error {
	at := r.store.offset(0) + offset
	data = slices.Clone(data)
	r.operations = append(r.operations, programInternal(r.board.internal, at, data, r.board.config.Timing)...)
	return r.image.Program(offset, data)
}

// planStore plans a write of the application DCT. With ErrSpilled the
// operations happen all the same.
func (b *Board) planStore(s store, offset int, data []byte) ([]operation, error) {
	r := b.record(s)
	err := s.engine.Write(r, offset, data)
	return r.operations, err
}

// readStore returns length bytes of the application DCT from offset without
// changing anything. Without a valid copy it returns FF, as after the default.
func (b *Board) readStore(s store, offset, length int) []byte {
	flash := Image(b.flash(s))
	if !s.engine.Valid(flash) {
		return blankMemory(length)
	}
	// A valid copy is only chosen, never written.
	read, _ := ReadApplication(s.engine, flash, offset, length)
	return slices.Clone(read)
}

// application is the application DCT as the firmware reads it.
func (b *Board) application(offset, length int) []byte {
	return b.readStore(b.firmwareStore(), offset, length)
}

// storeNow writes the application DCT at once, outside time.
func (b *Board) storeNow(offset int, data []byte) error {
	b.settle()
	s := b.firmwareStore()
	return s.engine.Write(Image(b.flash(s)), offset, data)
}
