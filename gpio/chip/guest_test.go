//go:build guest

package chip_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"duogateway/gpio"
	"duogateway/gpio/chip"
)

// label is the chip that a guest of package vm has. It has two names.
const label = "pinctrl-bcm2711"

func init() {
	chips, err := filepath.Glob("/dev/gpiochip[0-9]")
	if err != nil {
		panic(err)
	}
	for _, path := range chips {
		_ = os.Symlink(path, path+"0") // it is there from the last time
	}
}

// holder is set in a process that drives a line high until it is killed.
const holder = "HOLD_LINE"

func TestGuestHolder(t *testing.T) {
	name := os.Getenv(holder)
	if name == "" {
		return
	}
	if err := open(t, name).High(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

// wire is a file of gpio-sim for a line: value or pull.
func wire(t *testing.T, line, file string) string {
	t.Helper()
	found, err := filepath.Glob("/sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio" + strings.TrimPrefix(line, "GPIO") + "/" + file)
	if err != nil || len(found) != 1 {
		t.Fatalf("gpio-sim has %v for %s, %v", found, line, err)
	}
	return found[0]
}

func value(t *testing.T, line string) string {
	t.Helper()
	data, err := os.ReadFile(wire(t, line, "value"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func set(t *testing.T, path, value string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

func pull(t *testing.T, line, to string) {
	t.Helper()
	set(t, wire(t, line, "pull"), to)
}

func open(t *testing.T, line string) gpio.Pin {
	t.Helper()
	p, err := chip.OpenPin(label, line)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A second name for the chip, as a Raspberry Pi has, makes the driver close the
// standard input.
func TestGuestChipHasTwoNames(t *testing.T) {
	for range 2 {
		if err := open(t, "GPIO2").Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stdin.Stat(); err != nil {
		t.Errorf("the standard input is gone: %v", err)
	}
}

func TestGuestNothingThere(t *testing.T) {
	for _, c := range []struct{ chip, line, want string }{
		{label, "GPIO99", `"GPIO53"`},
		{"pinctrl-rp1", "GPIO17", label},
	} {
		if _, err := chip.OpenPin(c.chip, c.line); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v", err)
		}
	}
}

func TestGuestPin(t *testing.T) {
	pull(t, "GPIO17", "pull-down")
	p := open(t, "GPIO17")
	for _, step := range []struct {
		do   func() error
		want string
	}{{p.High, "1"}, {p.Low, "0"}, {p.High, "1"}, {p.Input, "0"}, {p.High, "1"}, {p.Close, "0"}} {
		if err := step.do(); err != nil {
			t.Error(err)
		}
		if got := value(t, "GPIO17"); got != step.want {
			t.Errorf("the wire is at %s, want %s", got, step.want)
		}
	}
}

func TestGuestPinIsClaimed(t *testing.T) {
	first := open(t, "GPIO17")
	if _, err := chip.OpenPin(label, "GPIO17"); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("in this process: %v", err)
	}
	if _, err := chip.OpenInput(label, "GPIO17"); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("as an input: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	pull(t, "GPIO17", "pull-down")
	other := exec.Command(os.Args[0], "-test.run", "TestGuestHolder")
	other.Env = append(os.Environ(), holder+"=GPIO17")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); value(t, "GPIO17") == "0" && time.Since(begun) < 20*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := chip.OpenPin(label, "GPIO17"); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("in another process: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = other.Wait()
	if got := value(t, "GPIO17"); got != "0" {
		t.Error("the wire of a dead process is driven")
	}
	if err := open(t, "GPIO17").Close(); err != nil {
		t.Error(err)
	}
}

func TestGuestButton(t *testing.T) {
	input, err := chip.OpenInput(label, "GPIO16")
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, "GPIO16"); got != "1" {
		t.Errorf("the pull-up is not on: %s", got)
	}
	button := gpio.NewButton(gpio.ButtonConfig{Bay: "b", Contact: input, LongPress: time.Second, Log: slog.New(slog.DiscardHandler)})
	buttons := gpio.NewButtons(slog.New(slog.DiscardHandler), button)
	for _, hold := range []time.Duration{300 * time.Millisecond, 1500 * time.Millisecond, 200 * time.Millisecond} {
		go func() {
			time.Sleep(300 * time.Millisecond)
			for range 5 {
				pull(t, "GPIO16", "pull-down")
				pull(t, "GPIO16", "pull-up")
			}
			pull(t, "GPIO16", "pull-down")
			time.Sleep(hold)
			pull(t, "GPIO16", "pull-up")
		}()
		_, held, err := buttons.Press(t.Context())
		// The emulated machine may be slow, but not fast.
		if least := min(hold, time.Second); err != nil || held < least || held > least+500*time.Millisecond {
			t.Errorf("held for %v: got %v, %v", hold, held, err)
		}
		time.Sleep(time.Second)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, held, err := buttons.Press(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one press too many: %v, %v", held, err)
	}
	if err := input.Close(); err != nil {
		t.Error(err)
	}
}

// P2: whether the kernel lets go is seen, not believed.
func TestGuestSelfTest(t *testing.T) {
	const persist = "/sys/module/gpio_sim/parameters/persist_outputs"
	defer set(t, persist, "N")
	pull(t, "GPIO20", "pull-up")
	for range 2 {
		if err := chip.SelfTest(label, "GPIO20"); err != nil {
			t.Errorf("a kernel that lets go: %v", err)
		}
		if got := value(t, "GPIO20"); got != "1" {
			t.Error("the line is driven")
		}
		set(t, persist, "Y")
		err := chip.SelfTest(label, "GPIO20")
		if !errors.Is(err, gpio.ErrKeepsOutputs) {
			t.Errorf("a kernel that keeps: %v", err)
		}
		if got := value(t, "GPIO20"); got != "1" {
			t.Error("the line is driven")
		}
		set(t, persist, "N")
	}
	if err := chip.SelfTest(label, ""); err == nil || errors.Is(err, gpio.ErrKeepsOutputs) {
		t.Errorf("no line: %v", err)
	}
}
