package gpio

import (
	"slices"
	"time"
)

// Pattern names what the lights of a station, or of a bay, say.
type Pattern string

// The patterns, from the best to the worst: see [Worst].
const (
	PatternOff       Pattern = "off"
	PatternIdle      Pattern = "idle"
	PatternProven    Pattern = "proven"
	PatternUnproven  Pattern = "unproven"
	PatternBusy      Pattern = "busy"
	PatternFail      Pattern = "fail"
	PatternError     Pattern = "error"
	PatternAttention Pattern = "attention"
)

// Colour is the colour of a light.
type Colour string

// The lights that a station has.
const (
	Green Colour = "green"
	Red   Colour = "red"
	Blue  Colour = "blue"
)

// Rhythm is how lights blink: on, off, on, off and so on, again and again. An
// empty one is steady.
type Rhythm []time.Duration

// The rhythms. No two patterns share one, so that a person who does not tell
// the colours apart can tell the patterns apart. None has more than three
// flashes a second, which some people do not stand (W3C, Web Content
// Accessibility Guidelines 2.1, success criterion 2.3.1).
var (
	steady      = Rhythm(nil)
	shortFlash  = Rhythm{100 * ms, 2900 * ms}
	doubleFlash = Rhythm{150 * ms, 200 * ms, 150 * ms, 1500 * ms}
	tripleFlash = Rhythm{150 * ms, 200 * ms, 150 * ms, 200 * ms, 150 * ms, 1500 * ms}
	slowBlink   = Rhythm{1000 * ms, 1000 * ms}
	fastBlink   = Rhythm{200 * ms, 200 * ms}
	shortGap    = Rhythm{1800 * ms, 200 * ms}
)

const ms = time.Millisecond

// Display is how a pattern looks and what it says to a technician.
type Display struct {
	Pattern Pattern
	// Colours are the lights that take part, all at the same time. None for
	// PatternOff.
	Colours []Colour
	Rhythm  Rhythm
	// Looks, Means and Do are for the manual: what one sees, what that means,
	// and what is to be done.
	Looks, Means, Do string
}

// displays is the table of patterns, from the best to the worst.
//
// Green is for a proven pass alone: it is the one light after which a board may
// leave the bench unseen. A pass whose proof is awaited, was not seen in time,
// or cannot be had because no cloud is configured, is unproven.
var displays = []Display{
	{
		PatternOff, nil, steady,
		"all dark", "The station is off, or its program does not run.",
		"Check its power. If it stays dark for two minutes, ask whoever runs the station.",
	},
	{
		PatternIdle, []Colour{Blue}, shortFlash,
		"blue, a short flash every 3 seconds", "The station is ready, and has nothing to tell.",
		"Put a board in.",
	},
	{
		PatternProven, []Colour{Green}, steady,
		"green, steady", "The board is repaired, and the cloud has seen it with its key.",
		"Take the board out: it is done.",
	},
	{
		PatternUnproven, []Colour{Blue}, doubleFlash,
		"blue, double flashes", "The keys on the board are right, but the cloud has not seen it: not yet, not in time, or this station has no cloud.",
		"Leave the board powered where its Wi-Fi reaches. If the light does not turn green, have the cloud asked about the board.",
	},
	{
		PatternBusy, []Colour{Blue}, slowBlink,
		"blue, slow blinking", "The station works on the board.",
		"Wait. Neither unplug the board nor press its buttons.",
	},
	{
		PatternFail, []Colour{Red}, fastBlink,
		"red, fast blinking", "The board could not be repaired: the fault is on the board.",
		"Press the button once to try again. If it stays, set the board aside with its fault written down.",
	},
	{
		PatternError, []Colour{Red}, tripleFlash,
		"red, triple flashes", "The station could not do its work: the board may be sound.",
		"Check cables and cradle, then press the button once. If it stays, ask whoever runs the station.",
	},
	{
		PatternAttention, []Colour{Red, Blue}, shortGap,
		"red and blue together, with a short gap every 2 seconds", "Somebody has to decide or to look, and the station goes no further before.",
		"Leave the board as it is and ask whoever runs the station.",
	},
}

// Displays returns the table of patterns, from the best to the worst.
func Displays() []Display { return slices.Clone(displays) }

// display returns the row of a pattern. One that is not in the table gets the
// worst row: somebody has to look.
func (p Pattern) display() Display { return displays[p.rank()] }

// rank is the pattern's row in the table.
func (p Pattern) rank() int {
	at := slices.IndexFunc(displays, func(d Display) bool { return d.Pattern == p })
	if at < 0 {
		return len(displays) - 1
	}
	return at
}

// Worst returns the one of several patterns that lights for all of them must
// show: what needs a person before what is at work, and that before what is
// over. Of none it is PatternOff. A pattern that is not in the table counts as
// the worst there is.
func Worst(patterns ...Pattern) Pattern {
	worst := 0
	for _, p := range patterns {
		worst = max(worst, p.rank())
	}
	return displays[worst].Pattern
}
