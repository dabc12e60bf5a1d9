package virtualduo

import (
	"encoding/binary"
	"time"
)

// How long SETUP must be held in the bootloader
// (redbear/firmware bootloader/src/main.c, checked in the image of r6 at
// 0x08000630-0x0800070A). Factory reset and wipe need more than their limit.
const (
	holdTick    = 10 * time.Millisecond
	holdSafe    = 1000 * time.Millisecond
	holdDFU     = 3000 * time.Millisecond
	holdFactory = 6500 * time.Millisecond
	holdWipe    = 10000 * time.Millisecond
	holdEnd     = 12000 * time.Millisecond
)

// request is what the bootloader was asked for, by register or by button.
type request struct {
	began                    time.Time // of the first look at SETUP
	image                    bool      // there is a valid factory image
	safe, dfu, factory, wipe bool
}

// boot is the bootloader from its first look at the lines. It touches the DCT
// first, for a copy of the button's place.
func (b *Board) boot() {
	if operations := b.missingDefault(); len(operations) > 0 {
		b.startWork(operations, b.bootWithDCT)
		return
	}
	b.bootWithDCT()
}

// missingDefault is the default DCT if there is none and the engine can be reached.
func (b *Board) missingDefault() []operation {
	s := b.loaderStore()
	if !b.engineReachable() || s.engine.Valid(Image(b.flash(s))) {
		return nil
	}
	r := b.record(s)
	_, _ = s.engine.Current(r) // a recorder never loses power
	b.counters.DCTDefaults++
	b.tell(Event{What: DCTDefault})
	return r.operations
}

func (b *Board) bootWithDCT() {
	b.lookForMirror()
	if b.wicedApplication() {
		if b.setupLow {
			b.enterDFU()
		} else {
			b.hang("wiced")
		}
		return
	}
	var asked request
	switch b.registers.bootMode {
	case bootModeDFU:
		asked.dfu = true
	case bootModeSafe:
		asked.safe = true
	}
	b.registers.bootMode = registerCleared
	asked.began, asked.image = time.Now(), b.factoryImageValid()
	b.holdSetup(asked)
}

func (b *Board) wicedApplication() bool {
	if !b.engineReachable() {
		return false
	}
	flag := b.readStore(b.loaderStore(), b.loader.ExtraFlagsAt, 2)
	return binary.LittleEndian.Uint16(flag) == wicedApplicationYes
}

// makeWiced puts a program of another maker in its place and sets the flag.
func (b *Board) makeWiced() {
	program := synthetic("wiced", b.config.Seed, 4<<10)
	binary.LittleEndian.PutUint32(program, 0x20020000) // stack
	copy(b.internal[b.loader.WicedAt-flashBase:], program)
	s := b.loaderStore()
	flag := binary.LittleEndian.AppendUint16(nil, wicedApplicationYes)
	_ = s.engine.Write(Image(b.flash(s)), b.loader.ExtraFlagsAt, flag) // an image never fails
}

// holdSetup looks at SETUP every 10 ms and goes on once it is up, or once the
// time says so. It goes by the clock, not by its own looks: on a busy machine
// they come late, and a board's do not.
func (b *Board) holdSetup(asked request) {
	held := b.setupHeld(asked.began)
	b.askByHold(&asked, held)
	if !b.setupLow || held >= holdEnd || (held >= holdDFU && !asked.image) {
		b.decide(asked)
		return
	}
	b.after(holdTick, func() { b.holdSetup(asked) })
}

// setupHeld is for how long SETUP has been held since then, or was held, in
// whole ticks.
func (b *Board) setupHeld(since time.Time) time.Duration {
	until := time.Now()
	if !b.setupLow {
		until = b.setupRose
	}
	return max(0, until.Sub(since)).Truncate(holdTick)
}

// askByHold notes what holding SETUP that long asks for, and shows it.
func (b *Board) askByHold(asked *request, held time.Duration) {
	for _, step := range []struct {
		reached bool
		asks    *bool
		light   Light
	}{
		{held >= holdSafe, &asked.safe, lightSafe},
		{held >= holdDFU, &asked.dfu, lightDFU},
		{held > holdFactory, &asked.factory, lightFactory},
		{held > holdWipe, &asked.wipe, lightWipe},
	} {
		if step.reached && !*step.asks {
			*step.asks = true
			b.shine(step.light)
		}
	}
}

// decide is the bootloader's way on (redbear/firmware bootloader/src/main.c:374-496).
func (b *Board) decide(asked request) {
	switch {
	case asked.factory && asked.image:
		b.restoreFactory(asked.wipe, b.systemReset)
	case asked.dfu:
		b.enterDFU()
	case b.systemPart1Valid():
		b.jump(asked.safe)
	case asked.image:
		b.shine(lightNoFirmware)
		b.restoreFactory(false, b.enterDFU)
	default:
		b.shine(lightNoFirmware)
		b.enterDFU()
	}
}

// restoreFactory copies the factory image over the customer's program.
func (b *Board) restoreFactory(wipe bool, then func()) {
	b.counters.FactoryResets++
	b.tell(Event{What: FactoryReset})
	if wipe {
		b.wipeWiFi()
	}
	image := b.serial[factoryImageAt : factoryImageAt+b.factoryImageSize()]
	at := userPartAt - flashBase
	var operations []operation
	for offset := at; offset < at+len(image); {
		s := sectorAt(offset)
		operations = append(operations, eraseInternal(b.internal, s, b.config.Timing))
		offset = s.offset + s.size
	}
	operations = append(operations, programInternal(b.internal, at, image, b.config.Timing)...)
	b.startWork(operations, then)
}

func (b *Board) wipeWiFi() {
	b.wifi = false
	b.counters.WiFiWipes++
	b.tell(Event{What: WiFiWipe})
}

// systemPart1Valid is all that the bootloader checks before it jumps.
func (b *Board) systemPart1Valid() bool {
	part1 := moduleAt(b.internal, systemPart1At-flashBase)
	return part1.Start == systemPart1At && part1.End <= flashBase+flashSize && part1.Platform == platformDuo
}

// factoryImageValid is the bootloader's test of slot 0 and of the image that
// it names (redbear/firmware
// platform/MCU/STM32F2xx/SPARK_Firmware_Driver/src/flash_mal.c:264-303).
func (b *Board) factoryImageValid() bool {
	if !b.engineReachable() {
		return false
	}
	slot := b.readStore(b.loaderStore(), flashModulesOffset, 20)
	magic := binary.LittleEndian.Uint16(slot)
	source := binary.LittleEndian.Uint32(slot[4:])
	target := binary.LittleEndian.Uint32(slot[8:])
	length := binary.LittleEndian.Uint32(slot[12:])
	if magic != slotMagicFactory || slot[2] != deviceSerialFlash || source != factoryImageAt {
		return false
	}
	image := moduleAt(b.serial, int(source))
	size := image.size(factoryImageLimit)
	return image.Start == target && image.Function == functionUser &&
		size >= 0 && int(length) >= size+crcSize && image.intact(b.serial, int(source))
}

// factoryImageSize includes the CRC; the image must be valid.
func (b *Board) factoryImageSize() int {
	return moduleAt(b.serial, factoryImageAt).size(factoryImageLimit) + crcSize
}

// engineReachable says whether the bootloader has its DCT functions: r6 takes
// them from the system parts (redbear/firmware bootloader/src/duo/bootloader_dct.c:7-112).
func (b *Board) engineReachable() bool {
	if !b.loader.EngineInParts {
		return true
	}
	at1, at2 := systemPart1At-flashBase, systemPart2At-flashBase
	part1, part2 := moduleAt(b.internal, at1), moduleAt(b.internal, at2)
	return part2.Version >= 10 && part2.intact(b.internal, at2) &&
		part1.Version >= part2.Needs.Version && part1.intact(b.internal, at1)
}

// hang is code that runs and never answers.
func (b *Board) hang(what string) {
	b.mode = modeHung
	b.tell(Event{What: Booted, Detail: what})
}
