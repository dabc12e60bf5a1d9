package virtualduo

import "time"

// Colour is the colour of the RGB light.
type Colour string

// The colours that the board shows.
const (
	Dark    Colour = "dark"
	White   Colour = "white"
	Red     Colour = "red"
	Green   Colour = "green"
	Blue    Colour = "blue"
	Magenta Colour = "magenta"
	Yellow  Colour = "yellow"
)

// Light is the board's RGB light. Blink is the period, 0 for steady; Fade says
// that the light breathes instead.
type Light struct {
	Colour Colour
	Blink  time.Duration
	Fade   bool
}

// The lights of the bootloader (redbear/firmware bootloader/src/main.c:511-534)
// and of the firmware (system/src/system_led_signal.cpp:54-79).
var (
	lightSafe       = Light{Colour: Magenta, Blink: 202 * time.Millisecond}
	lightDFU        = Light{Colour: Yellow, Blink: 202 * time.Millisecond}
	lightFactory    = Light{Colour: Green, Blink: 102 * time.Millisecond}
	lightWipe       = Light{Colour: White, Blink: 102 * time.Millisecond}
	lightNoFirmware = Light{Colour: Red}
	lightStart      = Light{Colour: White}
	lightKey        = Light{Colour: White, Blink: 200 * time.Millisecond}
	lightConnecting = Light{Colour: Green, Blink: 200 * time.Millisecond}
	lightListening  = Light{Colour: Blue, Blink: 500 * time.Millisecond}
	lightSafeMode   = Light{Colour: Magenta, Fade: true}
	lightDark       = Light{Colour: Dark}
)

// Light returns what the light shows now.
func (b *Board) Light() Light {
	b.lock()
	defer b.unlock()
	return b.light
}

// OnLight adds a listener for changes. The same rules hold as for OnEvent.
func (b *Board) OnLight(listener func(Light)) {
	b.lock()
	defer b.unlock()
	b.lightListeners = append(b.lightListeners, listener)
}

func (b *Board) shine(light Light) {
	if b.light == light {
		return
	}
	b.light = light
	for _, listener := range b.lightListeners {
		listener(light)
	}
}
