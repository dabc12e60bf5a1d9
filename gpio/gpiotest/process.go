package gpiotest

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"

	"duogateway/gpio"
)

// Process is a fake process on a bench: a goroutine that can be stopped and
// killed wherever it looks at the clock or touches a pin.
type Process struct {
	bench *Bench

	mu      sync.Mutex
	resumed chan struct{} // nil while it runs
	dead    chan struct{}
	done    bool
}

// NewProcess returns a process that has claimed nothing.
func (b *Bench) NewProcess() *Process {
	return &Process{bench: b, dead: make(chan struct{})}
}

// Run runs the process's program. When it returns, the process has ended.
func (p *Process) Run(program func()) {
	go func() {
		defer p.end()
		program()
	}()
}

// Open is the process's [gpio.OpenPin].
func (p *Process) Open(chip, name string) (gpio.Pin, error) {
	p.Gate()
	pin, err := p.bench.open(p, chip, name)
	if err != nil {
		return nil, err
	}
	return pin, nil
}

// Clock returns a clock that the process can be stopped at.
func (p *Process) Clock(clock gpio.Clock) gpio.Clock {
	now := clock.Monotonic
	clock.Monotonic = func() time.Duration {
		p.Gate()
		return now()
	}
	return clock
}

// Gate is a place at which the process can be stopped, and at which it is gone
// once it was killed.
func (p *Process) Gate() {
	for {
		p.mu.Lock()
		resumed := p.resumed
		p.mu.Unlock()
		if p.isDead() {
			runtime.Goexit()
		}
		if resumed == nil {
			return
		}
		select {
		case <-resumed:
		case <-p.dead:
		}
	}
}

// Signal does what the kernel does on SIGSTOP, SIGCONT and SIGKILL.
func (p *Process) Signal(s syscall.Signal) error {
	switch s {
	case syscall.SIGSTOP:
		p.stop()
	case syscall.SIGCONT:
		p.resume()
	case syscall.SIGKILL:
		p.kill()
	default:
		return fmt.Errorf("no fake for signal %v", s)
	}
	return nil
}

// Ended says whether the process is gone, and its lines with it.
func (p *Process) Ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

func (p *Process) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resumed == nil {
		p.resumed = make(chan struct{})
	}
}

func (p *Process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.resumed != nil {
		close(p.resumed)
		p.resumed = nil
	}
}

func (p *Process) kill() {
	p.mu.Lock()
	if !p.isDead() {
		close(p.dead)
	}
	p.mu.Unlock()
	p.end()
}

// end lets the lines go, then lets others see that the process is gone.
func (p *Process) end() {
	p.bench.letGo(p, nil, true)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
}

func (p *Process) isDead() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}
