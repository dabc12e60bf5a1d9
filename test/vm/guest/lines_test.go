//go:build guest

package guest

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"duogateway/gpio"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// uptime is the time on the clock of the events and of the markers.
func uptime() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // the tracing has shown that it is there
	return time.Duration(now.Nano())
}

// until waits for a moment.
func until(moment time.Duration) { time.Sleep(moment - uptime()) }

// shape writes moves down: S for SETUP, R for RESET, - for low, + for high.
func shape(moves []move) string {
	var text strings.Builder
	for _, m := range moves {
		text.WriteByte(m.Of)
		text.WriteByte(map[bool]byte{true: '-', false: '+'}[m.Low])
	}
	return text.String()
}

// The moves that a board may see: a gesture, one that RESET has ended, one in
// which both lines were let go at once, and a clean RESET. Anything else is a
// glitch.
var (
	wholeGesture   = `S-R-R\+S\+`
	rescuedGesture = `S-R-R\+R-S\+R\+`
	cleanReset     = `R-R\+`
	onlyGestures   = regexp.MustCompile(`^(` + wholeGesture + `)+$`)
	noGlitch       = regexp.MustCompile(`^(` + wholeGesture + `|` + rescuedGesture + `|` + cleanReset + `)*$`)
)

// checkLines holds all moves of a bay against the one rule. // P2
func checkLines(t *testing.T, moves []move) {
	t.Helper()
	if !noGlitch.MatchString(shape(moves)) {
		t.Errorf("a glitch: %s", timeline(moves))
	}
	var fell, rose time.Duration
	resetLow := false
	for _, m := range moves {
		switch {
		case m.Of == 'R' && m.Low:
			fell, resetLow = m.At, true
		case m.Of == 'R':
			rose, resetLow = m.At, false
			// Emulation is slow at times, but never early.
			if pulse := rose - fell; pulse < gpio.ResetPulse || pulse > time.Second {
				t.Errorf("RESET was low for %v: %s", pulse, timeline(moves))
			}
		case !m.Low && !resetLow && rose > 0:
			if held := m.At - rose; held > gpio.SafeRelease && held < gpio.LastReset {
				t.Errorf("SETUP was let go %v after RESET rose, with RESET high: %s", held, timeline(moves))
			}
		}
	}
}

// timeline writes moves down with their times.
func timeline(moves []move) string {
	var text strings.Builder
	for _, m := range moves {
		fmt.Fprintf(&text, " %s at %v", shape([]move{m}), m.At-moves[0].At)
	}
	return text.String()
}

// held is how long SETUP was held after RESET rose, in the gesture that the
// moves begin with.
func held(moves []move) time.Duration {
	var rose time.Duration
	for _, m := range moves {
		switch {
		case m.Of == 'R' && !m.Low:
			rose = m.At
		case m.Of == 'S' && !m.Low:
			return m.At - rose
		}
	}
	return 0
}

// quickBoard takes its time for nothing but a look at SETUP.
var quickBoard = virtualduo.Config{FactoryImage: true, WiFi: true, Timing: quickFlash}

// checkLight holds a gesture's process, which keeps its memory, against what a
// small machine can spare for each of its bays.
func checkLight(t *testing.T, pid int) {
	t.Helper()
	const most = 48 << 10
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	_, size, _ := strings.Cut(string(text), "VmRSS:")
	var used int
	if _, err := fmt.Sscanf(size, "%d kB", &used); err != nil || used > most {
		t.Errorf("the process of a gesture has %d kB in memory, at most %d are wanted: %v", used, most, err)
	}
}

// A gesture is as it has to be, and there is nothing else to be seen on the
// lines from the start of gatewayd to its end. // P2
func TestLines(t *testing.T) {
	t.Parallel()
	long(t)
	ports := usbPorts.take(t, 2)
	bays := []*bay{
		newBay(t, "fet", ports[0], gpio.FET, quickBoard),
		newBay(t, "direct", ports[1], gpio.Direct, quickBoard),
	}
	s := stationOf(t, gpio.DefaultHold, bays...)
	begun := uptime()
	s.start()
	var jobs []string
	for _, b := range bays {
		jobs = append(jobs, s.submit(job.Backup, b.name))
	}
	for _, b := range bays {
		checkLight(t, s.awaitRise(b.name).Process.PID)
	}
	for _, id := range jobs {
		s.waitPass(id)
	}
	s.stop()
	for _, b := range bays {
		moves := b.moves(begun)
		t.Logf("bay %s: %s", b.name, timeline(moves))
		checkLines(t, moves)
		if !onlyGestures.MatchString(shape(moves)) {
			t.Errorf("bay %s: not a gesture alone:%s", b.name, timeline(moves))
		}
		if hold := held(moves); hold < gpio.DefaultHold-10*time.Millisecond || hold > gpio.MaxHold {
			t.Errorf("bay %s: SETUP was held for %v", b.name, hold)
		}
	}
}
