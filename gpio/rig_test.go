package gpio_test

import (
	"bytes"
	"io/fs"
	"sync"
	"syscall"
	"testing"
	"time"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

var testBay = gpio.Bay{Name: "bay-1", Chip: "chip", Reset: "GPIO17", Setup: "GPIO27", Wiring: gpio.FET}

const testBoot = "5605fc78-5e92-40a3-ae71-47d2eec85b78"

// memory is a marker store without files.
type memory struct {
	mu    sync.Mutex
	data  []byte
	fault error // of every Write
}

func (m *memory) Read() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil {
		return nil, fs.ErrNotExist
	}
	return m.data, nil
}

func (m *memory) Write(data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return m.fault
	}
	m.data = bytes.Clone(data)
	return nil
}

func (m *memory) Remove() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = nil
	return nil
}

// rig is a bay on a fake bench in a synctest bubble, with children that are
// goroutines. The daemon's process and the children can be killed apart.
type rig struct {
	t       *testing.T
	bay     gpio.Bay
	gesture gpio.Gesture
	bench   *gpiotest.Bench
	store   *memory
	clock   gpio.Clock

	mu       sync.Mutex
	children []*child
}

// child is a fake process that runs the real child's program.
type child struct {
	*gpiotest.Process
	stdout, stderr bytes.Buffer
}

func (c *child) Output() (stdout, stderr []byte) { return c.stdout.Bytes(), c.stderr.Bytes() }

func newRig(t *testing.T, bay gpio.Bay) *rig {
	booted := time.Now().Add(-time.Hour)
	clock := gpio.Clock{Boot: testBoot, Monotonic: func() time.Duration { return time.Since(booted) }}
	// A killed process is a goroutine that may still sleep until its hold ends.
	t.Cleanup(func() { time.Sleep(15 * time.Second) })
	return &rig{t: t, bay: bay, clock: clock, store: &memory{}, bench: gpiotest.NewBench(bay, clock.Monotonic)}
}

// runner returns the Runner of a new daemon.
func (r *rig) runner() *gpio.Runner { return r.runnerIn(r.bench.NewProcess()) }

// runnerIn returns the Runner of a daemon that can be stopped and killed.
func (r *rig) runnerIn(daemon *gpiotest.Process) *gpio.Runner {
	return gpio.NewFakeRunner(daemon.Open, r.gesture, gpio.Fakes{
		Clock: daemon.Clock(r.clock),
		Store: func(string) gpio.MarkerStore { return r.store },
		Start: func(act gpio.Act, _ gpio.Bay) (gpio.FakeChild, error) { return r.start(act), nil },
		Find:  r.find,
	})
}

// start starts a child.
func (r *rig) start(act gpio.Act) *child {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &child{Process: r.bench.NewProcess()}
	r.children = append(r.children, c)
	work := &gpio.Child{
		Lines: gpio.LinesOf(r.bay, c.Open), Store: r.store, Clock: c.Clock(r.clock), Gesture: r.gesture,
		Self: gpio.ProcessID{PID: 100 + len(r.children), Started: 1},
	}
	c.Run(func() { gpio.Perform(act, work, &c.stdout, &c.stderr) })
	return c
}

// find returns a child by its id.
func (r *rig) find(id gpio.ProcessID) gpio.FakeChild {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := id.PID - 101; n >= 0 && n < len(r.children) && id.Started == 1 {
		return r.children[n]
	}
	return nil
}

// last returns the child that was started last.
func (r *rig) last() *child {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.children[len(r.children)-1]
}

// signalAt sends a signal to the last child when RESET's rise, of a gesture that
// is begun now, is age ago.
func (r *rig) signalAt(age time.Duration, s syscall.Signal) {
	time.AfterFunc(gpio.ResetPulse+age, func() {
		if err := r.last().Signal(s); err != nil {
			r.t.Error(err)
		}
	})
}

// sleepTo sleeps until RESET's rise, of a gesture begun now, is age ago.
func sleepTo(age time.Duration) { time.Sleep(gpio.ResetPulse + age) }

// check asks the oracle.
func (r *rig) check() {
	r.t.Helper()
	if err := gpiotest.CheckTimeline(r.bench.Timeline()); err != nil {
		r.t.Error(err)
	}
}

// marker returns the stored marker, nil if there is none.
func (r *rig) marker() *gpio.Marker {
	r.t.Helper()
	m, err := gpio.Load(r.store, r.clock)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}
