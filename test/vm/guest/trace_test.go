//go:build guest

package guest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tracing is what the kernel tells of every line of GPIO, as it happens: each
// change that gpiolib makes, and each time that the chip is given a line back,
// since its holder has closed it or died. Nothing is missed, however short.
type tracing struct {
	folder string // an instance of ftrace
	base   int    // the number of the chip's first line in the events
	pipe   *os.File
	ended  chan struct{}

	mu        sync.Mutex
	events    []lineEvent
	listeners []func(lineEvent)
	err       error
}

// lineEvent is one thing that became of a line.
type lineEvent struct {
	At   time.Duration // on CLOCK_MONOTONIC
	Line string        // its name
	What lineChange
}

// lineChange is what the kernel did with a line.
type lineChange string

// The changes. A value is that of the pin while it is an output.
const (
	madeOutput lineChange = "output"
	madeInput  lineChange = "input"
	setHigh    lineChange = "high"
	setLow     lineChange = "low"
	givenBack  lineChange = "given back"
)

const chipLabel = "pinctrl-bcm2711"

// startTracing turns the events on, which the init of a guest has prepared.
func startTracing() (*tracing, error) {
	t := &tracing{folder: "/sys/kernel/tracing/instances/duogateway", ended: make(chan struct{})}
	var err error
	if t.base, err = firstLine(chipLabel); err != nil {
		return nil, err
	}
	if err := os.Mkdir(t.folder, 0o750); err != nil {
		return nil, err
	}
	for _, set := range [][2]string{
		{"trace_clock", "mono"}, {"events/gpio/enable", "1"}, {"events/gpio_sim/free/enable", "1"},
	} {
		if err := os.WriteFile(filepath.Join(t.folder, set[0]), []byte(set[1]), 0); err != nil {
			return nil, err
		}
	}
	if t.pipe, err = os.Open(filepath.Join(t.folder, "trace_pipe")); err != nil {
		return nil, err
	}
	go t.read()
	return t, nil
}

// stop turns the events off, and says what went wrong with them.
func (t *tracing) stop() error {
	err := t.pipe.Close()
	<-t.ended
	return errors.Join(t.err, err, os.Remove(t.folder))
}

// firstLine is the number that the kernel gave to the first line of a chip.
func firstLine(label string) (int, error) {
	chips, err := filepath.Glob("/sys/class/gpio/gpiochip*/label")
	if err != nil {
		return 0, err
	}
	for _, file := range chips {
		if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) == label {
			base, err := os.ReadFile(filepath.Join(filepath.Dir(file), "base"))
			if err != nil {
				return 0, err
			}
			return strconv.Atoi(strings.TrimSpace(string(base)))
		}
	}
	return 0, fmt.Errorf("there is no GPIO chip labelled %s", label)
}

// read takes events until the pipe is closed.
func (t *tracing) read() {
	defer close(t.ended)
	said := bufio.NewScanner(t.pipe)
	for said.Scan() {
		if strings.Contains(said.Text(), "LOST") {
			t.fail(fmt.Errorf("the kernel has dropped events: %s", said.Text()))
		}
		if event, ok := t.parse(said.Text()); ok {
			t.take(event)
		}
	}
	if err := said.Err(); !errors.Is(err, os.ErrClosed) {
		t.fail(fmt.Errorf("reading what became of lines: %w", err))
	}
}

func (t *tracing) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = errors.Join(t.err, err)
}

var (
	tracedEvent = regexp.MustCompile(`(\d+\.\d+): (gpio_value|gpio_direction|free): (.*)$`)
	valueSet    = regexp.MustCompile(`^(\d+) set (\d)`)
	direction   = regexp.MustCompile(`^(\d+) +(in|out) \(0\)`)
	freed       = regexp.MustCompile(`line=(\d+)`)
)

// parse reads a line such as
//
//	gatewayd-123 [001] ..... 12.345678: gpio_value: 475 set 1
func (t *tracing) parse(text string) (lineEvent, bool) {
	found := tracedEvent.FindStringSubmatch(text)
	if found == nil {
		return lineEvent{}, false
	}
	at, err := time.ParseDuration(found[1] + "s")
	if err != nil {
		return lineEvent{}, false
	}
	if freed := freed.FindStringSubmatch(found[3]); freed != nil {
		return lineEvent{at, "GPIO" + freed[1], givenBack}, true
	}
	for pattern, changes := range map[*regexp.Regexp]map[string]lineChange{
		valueSet:  {"0": setLow, "1": setHigh},
		direction: {"in": madeInput, "out": madeOutput},
	} {
		if said := pattern.FindStringSubmatch(found[3]); said != nil {
			number, err := strconv.Atoi(said[1])
			return lineEvent{at, fmt.Sprintf("GPIO%d", number-t.base), changes[said[2]]}, err == nil
		}
	}
	return lineEvent{}, false
}

func (t *tracing) take(event lineEvent) {
	t.mu.Lock()
	t.events = append(t.events, event)
	listeners := slices.Clone(t.listeners)
	t.mu.Unlock()
	for _, tell := range listeners {
		if tell != nil {
			tell(event)
		}
	}
}

// listen tells all further events, until stop is called.
func (t *tracing) listen(tell func(lineEvent)) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := len(t.listeners)
	t.listeners = append(t.listeners, tell)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.listeners[number] = nil
	}
}

// of returns all that became of some lines since a moment.
func (t *tracing) of(since time.Duration, lines ...string) (found []lineEvent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, event := range t.events {
		if event.At >= since && slices.Contains(lines, event.Line) {
			found = append(found, event)
		}
	}
	return found
}
