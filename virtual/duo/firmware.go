package virtualduo

import (
	"bytes"
	"encoding/binary"
	"time"

	"duogateway/secret"
)

// Limits of SETUP while the firmware runs
// (redbear/firmware system/src/main.cpp:304-306,358-367;
// system/src/system_network_internal.h:331-356).
const (
	pressListen   = 3 * time.Second
	pressWipe     = 10 * time.Second
	pressTooLong  = 8 * time.Second // does not end listening any more
	baudDFU       = 14400
	baudListening = 28800
)

// runState is the firmware with its USB device up.
type runState struct {
	safe      bool
	listening bool
	press     int       // numbers the presses; a release counts too
	pressedAt time.Time // of the current press
	entered   bool      // the current press opened listening mode
	coding    [7]byte   // CDC line coding
}

// jump starts system part 1, which starts part 2 without a look at it. A
// damaged part 2 is taken to hang.
func (b *Board) jump(safe bool) {
	if part2 := moduleAt(b.internal, systemPart2At-flashBase); !part2.intact(b.internal, systemPart2At-flashBase) {
		b.hang("hung")
		return
	}
	b.mode = modeFirmware
	b.run = runState{safe: safe}
	b.shine(lightStart)
	b.tell(Event{What: Booted, Detail: "run"})
	b.after(b.config.Timing.Firmware, b.initialise)
}

// initialise does what the firmware does before USB, one flash write after
// the other. After a leave it finds the watchdog armed and resets once more
// (redbear/firmware hal/src/stm32f2xx/core_hal_stm32f2xx.c:389-420).
func (b *Board) initialise() {
	if b.watchdogArmed() {
		b.disarmWatchdog()
		return
	}
	if operations := b.bootloaderUpdate(); operations != nil {
		b.startWork(operations, b.systemReset)
		return
	}
	b.protectSystemParts()
	b.storeIf(!bytes.Equal(b.application(flashModulesOffset, 20), factorySlot()), flashModulesOffset, factorySlot(), func() {
		blank := b.release().StoresID && b.application(deviceIDOffset, 1)[0] == 0xFF
		b.storeIf(blank, deviceIDOffset, b.config.UID[:], b.ensureKey)
	})
}

func (b *Board) watchdogArmed() bool {
	if b.release().FlagsInDCT {
		flag := b.application(systemFlagsAt+watchdogFlagAt, 2)
		return binary.LittleEndian.Uint16(flag) == watchdogSecond
	}
	return b.registers.watchdog == watchdogSecond
}

func (b *Board) disarmWatchdog() {
	if b.release().FlagsInDCT {
		flags := b.application(systemFlagsAt, systemFlagsSize)
		binary.LittleEndian.PutUint16(flags[watchdogFlagAt:], registerCleared)
		b.storeIf(true, systemFlagsAt, flags, b.systemReset)
		return
	}
	b.registers.watchdog = registerCleared
	b.systemReset()
}

// storeIf writes the application DCT if it has to, then goes on.
func (b *Board) storeIf(needed bool, offset int, data []byte, then func()) {
	if !needed {
		then()
		return
	}
	operations, err := b.planStore(b.firmwareStore(), offset, data)
	if err != nil {
		b.hang("hung")
		return
	}
	b.startWork(operations, then)
}

// ensureKey makes a new key if the first byte of the field is FF; nothing
// else is looked at
// (redbear/firmware hal/src/stm32f2xx/ota_flash_hal_stm32f2xx.cpp:461).
func (b *Board) ensureKey() {
	if b.application(privateKeyOffset, 1)[0] != 0xFF {
		b.after(b.config.Timing.USB, b.startUSB)
		return
	}
	b.shine(lightKey)
	b.after(b.config.Timing.Key, b.storeNewKey)
}

// storeNewKey writes the private key, leaving byte 611 as it was, then the
// public key if it differs, and resets.
func (b *Board) storeNewKey() {
	b.counters.KeyGenerations++
	b.tell(Event{What: KeyGenerated})
	seed := binary.LittleEndian.Uint64(b.config.UID[:]) + b.config.Seed + uint64(b.counters.KeyGenerations)
	field := b.application(privateKeyOffset, privateKeyStored)
	copy(field, b.newKey(seed).Reveal())
	b.storeIf(true, privateKeyOffset, field, func() {
		public := publicKeyFieldOf(b.application(privateKeyOffset, privateKeyReserved))
		differs := !bytes.Equal(public, b.application(publicKeyOffset, publicKeyField))
		b.storeIf(differs, publicKeyOffset, public, b.systemReset)
	})
}

func (b *Board) newKey(seed uint64) secret.Bytes {
	if b.release().NaturalKeys {
		return GenerateNaturalKey(seed)
	}
	return GenerateKey(seed)
}

// protectSystemParts write-protects the sectors that hold the system parts.
func (b *Board) protectSystemParts() {
	for _, at := range []int{systemPart1At - flashBase, systemPart2At - flashBase} {
		end := at + moduleAt(b.internal, at).size(flashSize-at)
		for offset := at; offset < end; {
			s := sectorAt(offset)
			b.writeProtected[s.offset] = true
			offset = s.offset + s.size
		}
	}
}

func (b *Board) startUSB() {
	b.mode = modeRun
	b.console = console{}
	b.joinBus()
	b.run.listening = !b.wifi
	b.showRun()
	if b.setupLow {
		b.setupChanged()
	}
}

func (b *Board) showRun() {
	switch {
	case b.run.listening:
		b.shine(lightListening)
	case b.run.safe:
		b.shine(lightSafeMode)
	default:
		b.shine(lightConnecting)
	}
}

// setupChanged is a press or a release while the firmware runs.
func (b *Board) setupChanged() {
	b.run.press++
	if b.setupLow {
		b.setupPressed()
	} else {
		b.setupReleased()
	}
}

func (b *Board) setupPressed() {
	b.run.pressedAt, b.run.entered = time.Now(), false
	if b.run.listening {
		b.whileHeld(pressWipe, b.wipeWiFi)
		return
	}
	b.whileHeld(pressListen, func() {
		b.run.entered = true
		b.listen()
		b.whileHeld(pressWipe, b.wipeWiFi)
	})
}

// setupReleased ends listening mode after a press of 3 to 8 s that began in it.
func (b *Board) setupReleased() {
	held := time.Since(b.run.pressedAt)
	if b.run.listening && !b.run.entered && held >= pressListen && held < pressTooLong && b.wifi {
		b.run.listening = false
		b.showRun()
	}
}

// whileHeld calls do after d if the present press still lasts.
func (b *Board) whileHeld(d time.Duration, do func()) {
	press := b.run.press
	b.after(d, func() {
		if b.run.press == press {
			do()
		}
	})
}

func (b *Board) listen() {
	b.run.listening = true
	b.showRun()
}

// setLineCoding is the serial port's speed, by which a host asks for modes
// (redbear/firmware system/src/system_update.cpp:250-287).
func (b *Board) setLineCoding(coding []byte) {
	copy(b.run.coding[:], coding)
	switch binary.LittleEndian.Uint32(b.run.coding[:]) {
	case baudDFU:
		b.registers.bootMode = bootModeDFU
		b.after(time.Millisecond, b.systemReset) // once the transfer is answered
	case baudListening:
		b.listen()
	}
}
