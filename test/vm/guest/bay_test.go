//go:build guest

package guest

import (
	"testing"
	"time"

	"duogateway/gpio"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/simgpio"
)

// bay is a cradle with a board of this process: its USB cable is in a port of
// the kernel's, and its lines hang on lines of the kernel's.
type bay struct {
	name, port   string
	reset, setup string
	wiring       gpio.Wiring
	board        *virtualduo.Board
	unplug       func() // pulls the USB cable
}

// newBay makes a bay with a board that has a key, and waits for its firmware.
func newBay(t *testing.T, name, port string, wiring gpio.Wiring, config virtualduo.Config) *bay {
	t.Helper()
	own := gpioLines.take(t, 2)
	b := &bay{name: name, port: port, reset: own[0], setup: own[1], wiring: wiring}
	b.board = virtualduo.New(config)
	t.Cleanup(b.board.Close)
	b.unplug = connect(t, port, b.board)
	commission(t, b.board, config.Seed)
	b.wire(t)
	b.board.PowerOn()
	awaitProduct(t, port, running)
	return b
}

// wire connects the lines, with the pulls of the wiring, until the end of the
// test.
func (b *bay) wire(t *testing.T) {
	t.Helper()
	for line, drive := range map[string]func(low bool){b.reset: b.board.SetReset, b.setup: b.board.SetSetup} {
		if b.wiring == gpio.Direct {
			pull(t, line, "up") // the board's own
			t.Cleanup(func() { pull(t, line, "down") })
		}
		w := wire{wiring: b.wiring}
		t.Cleanup(lines.listen(func(event simgpio.Event) {
			if lineOf(event) != line {
				return
			}
			low, wrong := w.see(event.Change)
			if wrong != nil {
				t.Errorf("bay %s, %s: %v", b.name, line, wrong)
			}
			drive(low)
		}))
	}
}

// move is a change of one of a board's lines.
type move struct {
	At  time.Duration
	Low bool
	Of  byte // 'R' for RESET, 'S' for SETUP
}

// moves are what became of the board's lines since a moment, in order.
func (b *bay) moves(since time.Duration) (all []move) {
	wires := map[string]*wire{b.reset: {wiring: b.wiring}, b.setup: {wiring: b.wiring}}
	names := map[string]byte{b.reset: 'R', b.setup: 'S'}
	low := map[string]bool{}
	for _, event := range lines.of(since, b.reset, b.setup) {
		line := lineOf(event)
		now, _ := wires[line].see(event.Change)
		if now != low[line] {
			low[line] = now
			all = append(all, move{event.At, now, names[line]})
		}
	}
	return all
}
