package virtualduo

import "time"

// PowerOn gives the board power, by its USB plug or the supply pin.
func (b *Board) PowerOn() {
	b.lock()
	defer b.unlock()
	if b.powered || b.closed {
		return
	}
	b.powered = true
	b.tell(Event{What: Powered, Detail: "on"})
	b.start()
}

// PowerOff takes the power away, whatever the board is doing. Of a flash
// operation in progress a part is done.
func (b *Board) PowerOff() {
	b.lock()
	defer b.unlock()
	b.powerDown("off")
}

// losePower is the hook's power cut.
func (b *Board) losePower() { b.powerDown("cut") }

func (b *Board) powerDown(detail string) {
	if !b.powered {
		return
	}
	b.powered = false
	b.endSession()
	b.mode = modeOff
	b.registers = registers{registerCleared, registerCleared}
	b.tell(Event{What: Powered, Detail: detail})
}

// Powered says whether the board has power.
func (b *Board) Powered() bool {
	b.lock()
	defer b.unlock()
	return b.powered
}

// lines are the lines of the board that are driven low.
type lines struct{ reset, setup, mirror bool }

// SetReset drives RESET low, or lets its pull-up raise it.
func (b *Board) SetReset(low bool) {
	b.lock()
	defer b.unlock()
	b.driven.reset = low
	b.settleLines()
}

// settleLines brings the lines to the levels that they are driven to, or are
// stuck at.
func (b *Board) settleLines() {
	b.resetTo(b.faults.Reset.level(b.driven.reset))
	b.setupTo(b.faults.Setup.level(b.driven.setup) || b.mirrored && b.driven.mirror)
}

func (b *Board) resetTo(low bool) {
	if b.resetLow == low {
		return
	}
	b.resetLow = low
	b.tell(Event{What: ResetLine, Detail: level(low)})
	if !b.powered {
		return
	}
	if low {
		b.endSession()
		b.mode = modeHeld
		return
	}
	b.counters.Resets++
	b.tell(Event{What: Reset, Detail: "pin"})
	b.start()
}

// SetSetup drives SETUP low, or lets its pull-up raise it.
func (b *Board) SetSetup(low bool) {
	b.lock()
	defer b.unlock()
	b.driven.setup = low
	b.settleLines()
}

func (b *Board) setupTo(low bool) {
	if b.setupLow == low {
		return
	}
	b.setupLow = low
	if !low {
		b.setupRose = time.Now()
	}
	b.tell(Event{What: SetupLine, Detail: level(low)})
	if b.mode == modeRun {
		b.setupChanged()
	}
}

// Lines returns which lines are low.
func (b *Board) Lines() (resetLow, setupLow bool) {
	b.lock()
	defer b.unlock()
	return b.resetLow, b.setupLow
}

func level(low bool) string {
	if low {
		return "low"
	}
	return "high"
}

// start runs the bootloader, unless RESET or destruction forbids it.
func (b *Board) start() {
	err := b.adoptBootloader()
	switch {
	case b.bricked:
		b.mode = modeHung
	case b.resetLow:
		b.mode = modeHeld
	case err != nil:
		b.destroy(err)
	default:
		b.mode = modeBootloader
		b.after(b.config.Timing.Sample, b.boot)
	}
}

// systemReset is a reset that the board's own code asks for.
func (b *Board) systemReset() { b.resetBy("system") }

func (b *Board) resetBy(what string) {
	b.endSession()
	b.counters.Resets++
	b.tell(Event{What: Reset, Detail: what})
	b.start()
}

// destroy is the end of the board: its code has overwritten itself.
func (b *Board) destroy(why error) {
	b.bricked = true
	b.counters.Bricked++
	b.tell(Event{What: Destroyed, Detail: why.Error()})
	b.endSession()
	b.mode = modeHung
}
