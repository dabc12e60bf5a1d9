package simgpio

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Change is what became of a pin.
type Change string

// The changes. High and Low are what the pin is at while it is an output. One
// that is given back, since its holder has closed it or died, is an input.
const (
	Output    Change = "output"
	Input     Change = "input"
	High      Change = "high"
	Low       Change = "low"
	GivenBack Change = "given back"
	// Marked is no change, but what Trace.Mark has put among them.
	Marked Change = "marked"
)

// Event is a change of one pin.
type Event struct {
	At     time.Duration // on CLOCK_MONOTONIC
	Pin    int           // its offset on the chip
	Change Change
}

// Trace tells what becomes of the pins of a chip, by ftrace: no change is
// missed, however short. It is used by one goroutine, but for Interrupt.
type Trace struct {
	folder string // an instance of ftrace
	base   int    // the number of the chip's first pin
	pipe   *os.File
	lines  *bufio.Scanner
}

// The kernel tells in "gpio" what its library for GPIO does. That the driver of
// the chip lets go of a pin tells a probe that somebody has to have made:
//
//	echo 'p:gpio_sim/free gpio_sim_free line=$arg2:u32' >> kprobe_events
var traced = []string{"events/gpio/enable", "events/gpio_sim/free/enable"}

// Trace begins to trace the chip with that label. It needs root, and the probe.
func (k Kernel) Trace(label string) (*Trace, error) {
	base, err := k.firstPin(label)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(filepath.Join(k.tracefs(), "instances"), "simgpio-")
	if err != nil {
		return nil, fmt.Errorf("trace the pins: %w", err)
	}
	t := &Trace{folder: folder, base: base}
	if err := t.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("trace the pins: %w", err), os.Remove(folder))
	}
	return t, nil
}

func (t *Trace) begin() (err error) {
	if err := os.WriteFile(filepath.Join(t.folder, "trace_clock"), []byte("mono"), 0); err != nil {
		return err
	}
	for _, event := range traced {
		if err := os.WriteFile(filepath.Join(t.folder, event), []byte("1"), 0); err != nil {
			return err
		}
	}
	t.pipe, err = os.Open(filepath.Join(t.folder, "trace_pipe"))
	t.lines = bufio.NewScanner(t.pipe)
	return err
}

// Next waits for the next event. The error is os.ErrClosed after Interrupt.
func (t *Trace) Next() (Event, error) {
	for t.lines.Scan() {
		if strings.Contains(t.lines.Text(), " EVENTS]") { // CPU:0 [LOST 12 EVENTS]
			return Event{}, fmt.Errorf("the kernel has dropped events of pins: %s", t.lines.Text())
		}
		if event, ok := parseEvent(t.lines.Text(), t.base); ok {
			return event, nil
		}
	}
	return Event{}, fmt.Errorf("read the events of pins: %w", t.lines.Err())
}

// mark is what Mark has the kernel say.
const mark = "simgpio-mark"

// Mark puts a mark among the events: what came before is told before it. It may
// be called by any goroutine.
func (t *Trace) Mark() error {
	err := os.WriteFile(filepath.Join(t.folder, "trace_marker"), []byte(mark), 0)
	if err != nil {
		return fmt.Errorf("mark the events of pins: %w", err)
	}
	return nil
}

// Interrupt ends a Next that waits, and all further ones.
func (t *Trace) Interrupt() { _ = t.pipe.Close() }

// Close ends the trace.
func (t *Trace) Close() error {
	t.Interrupt()
	if err := os.Remove(t.folder); err != nil {
		return fmt.Errorf("end a trace of pins: %w", err)
	}
	return nil
}

// firstPin is the number that the kernel gives to the first pin of a chip.
func (k Kernel) firstPin(label string) (int, error) {
	chips, err := filepath.Glob(filepath.Join(k.sysfs(), "class/gpio/gpiochip*/label"))
	if err != nil {
		return 0, fmt.Errorf("look for GPIO chips: %w", err)
	}
	for _, file := range chips {
		if text, err := attribute(file); err != nil || text != label {
			continue
		}
		base, err := attribute(filepath.Join(filepath.Dir(file), "base"))
		if err != nil {
			return 0, fmt.Errorf("look for the first pin of a GPIO chip: %w", err)
		}
		return strconv.Atoi(base)
	}
	return 0, fmt.Errorf("there is no GPIO chip with the label %q in %s/class/gpio", label, k.sysfs())
}

// parseEvent reads a line of trace_pipe, such as one of
//
//	gatewayd-91  [001] .....  12.345678: gpio_value: 475 set 1
//	gatewayd-91  [001] .....  12.345679: gpio_direction: 475 out (0)
//	gatewayd-91  [001] ...1.  12.345680: free: (gpio_sim_free+0x0/0x60 [gpio_sim]) line=17
//	a-test-92    [000] .....  12.345681: tracing_mark_write: simgpio-mark
//
// (Linux include/trace/events/gpio.h). It says false for what changes no pin of
// a chip that begins with number base.
func parseEvent(line string, base int) (Event, bool) {
	fields := strings.Fields(line)
	for i, name := range fields {
		if i == 0 || len(fields) < i+2 {
			continue
		}
		at, err := time.ParseDuration(strings.TrimSuffix(fields[i-1], ":") + "s")
		if err != nil {
			continue
		}
		event := Event{At: at}
		switch rest := fields[i+1:]; name {
		case "gpio_value:":
			event.Change = map[string]Change{"set 0": Low, "set 1": High}[strings.Join(rest[1:], " ")]
			event.Pin, err = strconv.Atoi(rest[0])
			event.Pin -= base
		case "gpio_direction:":
			event.Change = map[string]Change{"in (0)": Input, "out (0)": Output}[strings.Join(rest[1:], " ")]
			event.Pin, err = strconv.Atoi(rest[0])
			event.Pin -= base
		case "tracing_mark_write:":
			if rest[0] == mark {
				event.Change = Marked
			}
		case "free:":
			event.Change = GivenBack
			_, err = fmt.Sscanf(rest[len(rest)-1], "line=%d", &event.Pin)
		}
		return event, err == nil && event.Change != "" && event.Pin >= 0
	}
	return Event{}, false
}
