package virtualduo

import (
	"sync"
	"time"
)

// mode is what the board is doing.
type mode int

const (
	modeOff mode = iota
	modeHeld
	modeBootloader
	modeDFU
	modeFirmware // from the jump to the USB device
	modeRun
	modeHung // runs code that answers nothing
)

// Board is one virtual Duo. Make it with New, end it with Close.
type Board struct {
	config Config
	loader *Bootloader // the one in flash, since the last reset

	mu       sync.Mutex
	mode     mode
	closed   bool
	bricked  bool
	powered  bool
	driven   lines // by whoever holds the other end
	resetLow bool  // the lines as the processor sees them
	setupLow bool
	mirrored bool // a header pin acts as SETUP
	// setupRose is when SETUP last went up.
	setupRose time.Time

	internal memory
	serial   memory
	// writeProtected are the offsets of internal sectors that the firmware
	// has protected; only an erase by DFU lifts it.
	writeProtected map[int]bool
	wifi           bool
	registers      registers

	timers  []*time.Timer // of this session only
	session int           // counts resets and power changes; old timers compare it
	work    *work
	flashOp func(n int) (cut bool)

	faults     faultState
	attachment *attachment
	pulledUp   bool // the USB device is switched on
	unlinked   bool // the data lines are cut
	joined     uint64
	busChanged bool
	onBus      []func()
	dfu        dfuState
	run        runState
	console    console

	light          Light
	lightListeners []func(Light)
	listeners      []func(Event)
	counters       Counters
}

// registers live in the backup domain: they survive a reset but not a loss of
// power (the board has no battery; inferred from its schematic).
type registers struct {
	bootMode uint16 // DR1
	watchdog uint16 // the IWDG flag among the system flags
}

const (
	bootModeDFU     = 0xEDFA
	bootModeSafe    = 0x5AFE
	watchdogSecond  = 0xD001
	otaUpdateDone   = 0x5000
	registerCleared = 0xFFFF
)

// New returns a board fresh from the factory, without power, both lines up:
// factory DCT without a key, bootloader, system parts.
func New(config Config) *Board {
	config = config.withDefaults()
	b := &Board{
		config:         config,
		loader:         config.Bootloader,
		internal:       blankMemory(flashSize),
		serial:         blankMemory(serialSize),
		writeProtected: map[int]bool{},
		wifi:           config.WiFi,
		registers:      registers{registerCleared, registerCleared},
		light:          lightDark,
	}
	part1, part2 := systemParts(config.SystemVersion, config.Seed)
	copy(b.internal, config.Bootloader.image())
	copy(b.internal[systemPart1At-flashBase:], part1)
	copy(b.internal[systemPart2At-flashBase:], part2)
	copy(b.flash(b.loaderStore()), FactoryDCT(config.ServerKey))
	if config.WicedApplication {
		b.makeWiced()
	}
	if config.FactoryImage {
		copy(b.serial[factoryImageAt:], factoryImage(config.SystemVersion, config.Seed))
	}
	return b
}

// Close takes the power away for good and stops everything.
func (b *Board) Close() {
	b.PowerOff()
	b.lock()
	defer b.unlock()
	b.closed = true
}

// UID returns the unique id of the processor.
func (b *Board) UID() [12]byte { return b.config.UID }

func (b *Board) lock() { b.mu.Lock() }

// unlock also tells the bus listeners, who may call the board again.
func (b *Board) unlock() {
	var tell []func()
	if b.busChanged {
		b.busChanged = false
		tell = b.onBus
	}
	b.mu.Unlock()
	for _, listener := range tell {
		listener()
	}
}

// after calls do, with the board locked, once d has passed in this session.
func (b *Board) after(d time.Duration, do func()) {
	session := b.session
	b.timers = append(b.timers, time.AfterFunc(d, func() {
		b.lock()
		defer b.unlock()
		if b.session == session {
			do()
		}
	}))
}

// endSession stops whatever the processor was doing. A flash operation in
// progress has its partial effect.
func (b *Board) endSession() {
	b.session++
	for _, timer := range b.timers {
		timer.Stop()
	}
	b.timers = nil
	b.cutWork()
	b.leaveBus()
	b.shine(lightDark)
}
