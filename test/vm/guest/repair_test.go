//go:build guest

package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// seed is that of the board that is repaired, and of its key.
const seed = 7

// bench is a board in a process of its own, as virtualbench makes it, with both
// copies of its key destroyed.
type bench struct {
	*remote.Client
	port string
	id   string // of the device
	key  *duo.PrivateKey
}

// startBench starts a board, on the lines of the bay, and waits for its
// firmware.
func startBench(t *testing.T, b *bay) *bench {
	t.Helper()
	folder := t.TempDir()
	socket := filepath.Join(folder, "bench.sock")
	log, err := os.Create(filepath.Join(folder, "log"))
	must(t, err)
	cmd := exec.Command("virtualbench", "duo",
		"--vhci", fmt.Sprint(controllerPort(t, b.port)), "--seed", fmt.Sprint(seed), "--damage-key",
		"--lines", strings.Join([]string{chipLabel, offset(b.reset), offset(b.setup)}, ":"), "--wiring", b.wiring.String(),
		"--socket", socket)
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	t.Cleanup(func() {
		must(t, cmd.Process.Signal(syscall.SIGTERM))
		if err := cmd.Wait(); err != nil {
			t.Errorf("virtualbench duo: %v", err)
		}
		said, _ := os.ReadFile(log.Name()) // it was there
		if t.Failed() {
			t.Logf("virtualbench said:\n%s", said)
		}
		must(t, log.Close())
		awaitEmpty(t, b.port)
	})
	awaitProduct(t, b.port, running)
	made := &bench{port: b.port}
	made.Client, err = remote.Dial(socket)
	must(t, err)
	serial, err := os.ReadFile(filepath.Join("/sys/bus/usb/devices", b.port, "serial"))
	must(t, err)
	made.id = strings.TrimSpace(string(serial))
	made.key, _, err = duo.ReadPrivateKey(virtualduo.GenerateKey(seed).Reveal())
	must(t, err)
	return made
}

// offset is that of a line on its chip.
func offset(line string) string { return strings.TrimPrefix(line, "GPIO") }

// gatewayd runs a command of gatewayd, which must succeed, and returns what it
// printed.
func (s *station) gatewayd(args ...string) []byte {
	s.t.Helper()
	cmd := exec.Command("gatewayd", append([]string{"--socket", s.path("api.sock")}, args...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	said, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("gatewayd %v: %v\n%s%s", args, err, said, complaint.Bytes())
	}
	return said
}

// press presses a button to ground, and lets it bounce.
func press(t *testing.T, line string) {
	t.Helper()
	for _, to := range []string{"down", "up", "down"} {
		pull(t, line, to)
	}
	time.Sleep(500 * time.Millisecond)
	for _, to := range []string{"up", "down", "up"} {
		pull(t, line, to)
	}
}

// A technician presses the button, and a board whose key is destroyed gets it
// back, by lines and USB of a real kernel. All but the key is as it is by
// default. // P1, P2, P3
func TestRepair(t *testing.T) {
	t.Parallel()
	b := &bay{name: "bay", port: usbPorts.take(t, 1)[0], reset: "GPIO17", setup: "GPIO27", wiring: gpio.FET}
	s := newStation(t, fmt.Sprintf(`
[keys]
escrow = "none"
[gesture]
ask_firmware = false
[[bay]]
name = %q
port = %q
`, b.name, b.port))
	begun := uptime()
	repair(t, s, b, "GPIO16", "GPIO26")
	moves := b.moves(begun)
	t.Logf("the lines:%s", timeline(moves))
	checkLines(t, moves)
	if !onlyGestures.MatchString(shape(moves)) {
		t.Error("the board was not entered by the gesture alone")
	}
}

// The same, with a board whose firmware is asked: its lines are left alone.
// // P2
func TestRepairAsked(t *testing.T) {
	t.Parallel()
	long(t)
	own := gpioLines.take(t, 6)
	b := &bay{name: "bay", port: usbPorts.take(t, 1)[0], reset: own[0], setup: own[1], wiring: gpio.FET}
	s := newStation(t, fmt.Sprintf(`
[keys]
escrow = "none"
[button]
line = %q
[lights]
blue = %q
green = %q
red = %q
[[bay]]
name = %q
port = %q
reset = %q
setup = %q
`, own[2], own[3], own[4], own[5], b.name, b.port, b.reset, b.setup))
	begun := uptime()
	repair(t, s, b, own[2], own[3])
	if moves := b.moves(begun); len(moves) > 0 {
		t.Errorf("the lines were moved:%s", timeline(moves))
	}
}

// repair gives the station the key of a board, presses its button, and looks at
// the board, the job and the lights.
func repair(t *testing.T, s *station, b *bay, button, blue string) {
	t.Helper()
	board := startBench(t, b)
	s.start()
	file := s.path("key.der")
	must(t, os.WriteFile(file, board.key.Fixed().Reveal(), 0o600))
	s.gatewayd("keys", "import", file, "--device-id", board.id)

	pressed := uptime()
	j := s.press(button)
	if j.Kind != job.Repair || j.Source != job.FromButton || j.Verdict != job.Pass || j.DeviceID != board.id {
		t.Errorf("a %s from %s on board %s is %s: %+v", j.Kind, j.Source, j.DeviceID, j.State, j.Fault)
	}
	state, err := board.Board("duo")
	must(t, err)
	if state.Fingerprint != board.key.Fingerprint() {
		t.Errorf("the board has the key %q, not %q", state.Fingerprint, board.key.Fingerprint())
	}
	if n := state.Counters; n.FactoryResets != 0 || n.WiFiWipes != 0 {
		t.Errorf("%d factory resets, %d Wi-Fi wipes", n.FactoryResets, n.WiFiWipes)
	}
	awaitRhythm(t, blue, pressed, time.Second, time.Second) // it was busy
	over := uptime()
	awaitRhythm(t, blue, over, 150*time.Millisecond, 200*time.Millisecond, 150*time.Millisecond, 1500*time.Millisecond)
	s.stop()
}

// press presses the button as a person does: again if nothing begins, and again
// if the light asks for it. It returns the last job, when it has ended.
func (s *station) press(button string) (last job.Job) {
	s.t.Helper()
	for range 3 {
		before := len(s.jobs())
		press(s.t, button)
		for begun := time.Now(); len(s.jobs()) == before && time.Since(begun) < 10*time.Second; {
			time.Sleep(100 * time.Millisecond)
		}
		if len(s.jobs()) == before {
			s.t.Log("nothing begins, so once more")
			continue
		}
		await(s.t, 2*time.Minute, "the job to end", func() bool {
			last = s.jobs()[0]
			return last.State.Final()
		})
		if last.Fault == nil || !last.Fault.Retryable {
			break
		}
		s.t.Logf("the %s is %s, so once more: %+v", last.Kind, last.State, last.Fault)
	}
	return last
}

// jobs are all jobs, the newest first.
func (s *station) jobs() (all []job.Job) {
	s.t.Helper()
	must(s.t, json.Unmarshal(s.gatewayd("jobs", "--json"), &all))
	return all
}

// awaitRhythm waits until a light is seen to have been on, off, on and so on for
// these times, at some moment since then.
func awaitRhythm(t *testing.T, line string, since time.Duration, want ...time.Duration) {
	t.Helper()
	var seen []time.Duration
	await(t, 15*time.Second, fmt.Sprintf("the light on %s to blink by %v", line, want), func() bool {
		seen = blinks(line, since)
		for i := 0; i+len(want) <= len(seen); i += 2 {
			if alike(seen[i:i+len(want)], want) {
				return true
			}
		}
		return false
	})
}

// blinks are for how long a light was on, off, on and so on, since a moment.
func blinks(line string, since time.Duration) (lengths []time.Duration) {
	w := wire{wiring: gpio.FET} // a light shines while its pin is high
	var lit bool
	var at time.Duration
	for _, event := range lines.of(0, line) {
		now, _ := w.see(event.Change)
		if now == lit {
			continue
		}
		if at >= since && (len(lengths) > 0 || lit) {
			lengths = append(lengths, event.At-at)
		}
		lit, at = now, event.At
	}
	return lengths
}

// alike says whether times are what was asked for: emulation may be late.
func alike(seen, want []time.Duration) bool {
	for i := range want {
		if late := seen[i] - want[i]; late < -20*time.Millisecond || late > 150*time.Millisecond {
			return false
		}
	}
	return true
}
