package chip

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing/fstest"
	"time"

	periph "periph.io/x/conn/v3/gpio"
)

// kernel is a fake chip with the driver's habits, right and wrong ones.
type kernel struct {
	label string
	lines []*fakeLine
	// keeps: outputs stay outputs when they are closed.
	keeps   bool
	watched func(offset int) (edges, error)
}

func newKernel(label string, names ...string) *kernel {
	k := &kernel{label: label}
	for _, name := range names {
		k.lines = append(k.lines, &fakeLine{kernel: k, name: name})
	}
	return k
}

func (k *kernel) Label() string { return k.label }

func (k *kernel) lineNames() []string {
	var names []string
	for _, l := range k.lines {
		names = append(names, l.name)
	}
	return names
}

func (k *kernel) line(offset int) line { return k.lines[offset] }

func (k *kernel) watch(offset int) (edges, error) {
	if l := k.lines[offset]; l.requested || l.stranger {
		return nil, ioctlError(syscall.EBUSY)
	}
	return k.watched(offset)
}

func (k *kernel) isOutput(offset int) (bool, error) {
	l := k.lines[offset]
	if l.requested || l.stranger {
		return false, ioctlError(syscall.EBUSY)
	}
	return l.output, nil
}

// named returns the line of that name.
func (k *kernel) named(name string) *fakeLine {
	for _, l := range k.lines {
		if l.name == name {
			return l
		}
	}
	return nil
}

// host returns a host that has the chips of these kernels.
func hostOf(problem error, kernels ...*kernel) *host {
	return newHost(func() ([]device, error) {
		var all []device
		for _, k := range kernels {
			all = append(all, k)
		}
		return all, problem
	}, fstest.MapFS{})
}

// ioctlError is an error as the driver makes them.
func ioctlError(errno syscall.Errno) error {
	return fmt.Errorf("line_request ioctl: %w", errors.New(errno.Error()))
}

// fakeLine is a line as the kernel has it, and as the driver believes it is.
type fakeLine struct {
	kernel    *kernel
	name      string
	stranger  bool // another process has it
	requested bool
	output    bool
	high      bool
	believed  bool // the driver takes it for an output
	fault     error
	history   []string
}

func (l *fakeLine) In(pull periph.Pull, edge periph.Edge) error {
	l.believed = false
	if pull != periph.PullNoChange || edge != periph.NoEdge {
		return errors.New("a pin has neither a pull of its own nor edges")
	}
	if err := l.request(); err != nil {
		return err
	}
	l.output = false
	l.note("in")
	return nil
}

func (l *fakeLine) Out(level periph.Level) error {
	if !l.believed {
		l.believed = true
		if err := l.request(); err != nil {
			return fmt.Errorf("GPIOLine.Out(): %w", err)
		}
		l.output, l.high = true, false
		l.note("low")
	}
	if !l.output {
		return errors.New(syscall.EPERM.Error())
	}
	if l.high = bool(level); l.high {
		l.note("high")
	} else {
		l.note("low")
	}
	return nil
}

func (l *fakeLine) request() error {
	switch {
	case l.fault != nil:
		return l.fault
	case l.stranger:
		return ioctlError(syscall.EBUSY)
	}
	l.requested = true
	return nil
}

func (l *fakeLine) note(what string) {
	if n := len(l.history); n == 0 || l.history[n-1] != what {
		l.history = append(l.history, what)
	}
}

func (l *fakeLine) Close() {
	l.requested, l.believed = false, false
	if !l.kernel.keeps {
		l.output = false
	}
	l.note("closed")
}

// fakeEdges is a watched line. Its edges come from a channel.
type fakeEdges struct {
	level  periph.GPIOValue
	edges  chan error
	fault  error
	closed bool
}

func (e *fakeEdges) Read(periph.GPIOValue) (periph.GPIOValue, error) { return e.level, e.fault }

func (e *fakeEdges) WaitForEdge(timeout time.Duration) (int, periph.Edge, error) {
	if timeout == 0 {
		timeout = time.Hour
	}
	select {
	case err := <-e.edges:
		return 7, periph.RisingEdge, err
	case <-time.After(timeout):
		return 0, periph.NoEdge, fmt.Errorf("read gpio-lineset: %w", os.ErrDeadlineExceeded)
	}
}

func (e *fakeEdges) Close() error {
	e.closed = true
	return e.fault
}
