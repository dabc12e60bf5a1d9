package daemon

import (
	"cmp"
	"fmt"

	"duogateway/gpio"
)

// ButtonConfig is the button of the station.
type ButtonConfig struct {
	Chip string `toml:"chip" default:"that of the first bay" doc:"Label of the GPIO chip of the station's button."`
	Line string `toml:"line" doc:"Name of the line of the station's button, which means every occupied bay; or \"none\"."`
}

// LightsConfig is the lights of the station, or of a bay. A colour without a
// line is left out.
type LightsConfig struct {
	Chip  string `toml:"chip" default:"that of the (first) bay" doc:"Label of the GPIO chip of these lights."`
	Green string `toml:"green" default:"none" doc:"Name of the line of the green light; or \"none\"."`
	Red   string `toml:"red" default:"none" doc:"The same of the red one."`
	Blue  string `toml:"blue" default:"none" doc:"The same of the blue one."`
}

// Lines are the names of the lines, by the colours of their lights. A light that
// there is not has none.
func (l LightsConfig) Lines() map[gpio.Colour]string {
	lines := map[gpio.Colour]string{}
	for colour, line := range map[gpio.Colour]string{gpio.Green: l.Green, gpio.Red: l.Red, gpio.Blue: l.Blue} {
		if line != "" {
			lines[colour] = line
		}
	}
	return lines
}

// noLine is what a configuration says in place of the name of a line that there
// is not. Once it is read, the name is empty.
const noLine = "none"

// setDefaults sets what depends on other settings, and empties the names of
// lines that there are not.
func (l *LightsConfig) setDefaults(chip string) {
	l.Chip = cmp.Or(l.Chip, chip)
	clearNone(&l.Green, &l.Red, &l.Blue)
}

func clearNone(names ...*string) {
	for _, name := range names {
		if *name == noLine {
			*name = ""
		}
	}
}

// lineUse is what a line is for.
type lineUse struct{ chip, line, user string }

func (l LightsConfig) uses(owner string) []lineUse {
	return []lineUse{
		{l.Chip, l.Green, "the green light of " + owner},
		{l.Chip, l.Red, "the red light of " + owner},
		{l.Chip, l.Blue, "the blue light of " + owner},
	}
}

func (b BayConfig) uses() []lineUse {
	owner, setup := fmt.Sprintf("bay %q", b.Name), b.Setup
	if setup == b.Reset {
		setup = "" // the check of the bay says so
	}
	return append([]lineUse{
		{b.Chip, b.Reset, "RESET of " + owner},
		{b.Chip, setup, "SETUP of " + owner},
		{b.Chip, b.Button, "the button of " + owner},
	}, b.Lights.uses(owner)...)
}

// sharedLines finds the lines that are to do two things.
func (c Config) sharedLines() (wrong []error) {
	uses := append([]lineUse{{c.Button.Chip, c.Button.Line, "the button of the station"}}, c.Lights.uses("the station")...)
	for _, b := range c.Bays {
		uses = append(uses, b.uses()...)
	}
	first := map[lineUse]string{} // the first user of a line
	for _, use := range uses {
		line := lineUse{chip: use.chip, line: use.line}
		switch user, taken := first[line]; {
		case line.line == "":
		case taken:
			wrong = append(wrong, fmt.Errorf("line %s of chip %s cannot be %s and %s: give one another line, or \"none\" if it is a light or a button", use.line, use.chip, user, use.user))
		default:
			first[line] = use.user
		}
	}
	return wrong
}

// unfitPins are the pins of a Raspberry Pi's header that must not drive RESET or
// SETUP, under all names that kernels give them, and why. The pull-ups of 1.8 kΩ
// at GPIO2 and GPIO3 are in the published schematics of each Raspberry Pi.
var unfitPins = map[string]string{
	"GPIO0": isHAT, "GPIO1": isHAT, "ID_SDA": isHAT, "ID_SCL": isHAT,
	"GPIO2": isI2C, "GPIO3": isI2C, "SDA1": isI2C, "SCL1": isI2C,
	"GPIO14": isConsole, "GPIO15": isConsole, "TXD0": isConsole, "RXD0": isConsole, "TXD1": isConsole, "RXD1": isConsole,
}

const (
	isHAT     = "the Raspberry Pi itself talks on it at its start, to find a HAT"
	isI2C     = "the Raspberry Pi has a strong pull-up on it, for I2C"
	isConsole = "it belongs to the serial console, which may drive it"
)

// unfit finds out whether a line must not drive RESET or SETUP.
func unfit(key, line string) error {
	if why, bad := unfitPins[line]; bad {
		return fmt.Errorf("%s %s: %s", key, line, why)
	}
	return nil
}
