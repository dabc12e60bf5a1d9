package virtualduo

// bootloaderUpdate is the flash work by which the firmware puts the
// bootloader of its own generation over the one that is there; nil if it has
// none, has not been told to, or needs none. Releases before 0.3.3 only go
// upwards (redbear/firmware hal/src/stm32f2xx/bootloader.cpp:43, commit
// 5f5917e8f). If power goes in the middle of it the board is lost.
func (b *Board) bootloaderUpdate() []operation {
	release := b.release()
	there := moduleAt(b.internal, 0).Version
	upwards := release.Bootloader > there
	if !b.config.UpdatesBootloader || release.Bootloader == 0 || release.Bootloader == there ||
		!upwards && release.Version < 11 {
		return nil
	}
	image := bootloaderOf(release.Bootloader).image()
	var operations []operation
	for offset := 0; offset < len(image); {
		s := sectorAt(offset)
		operations = append(operations, eraseInternal(b.internal, s, b.config.Timing))
		offset = s.offset + s.size
	}
	b.tell(Event{What: BootloaderUpdate, Detail: bootloaderOf(release.Bootloader).Name})
	return append(operations, programInternal(b.internal, 0, image, b.config.Timing)...)
}
