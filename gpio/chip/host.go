package chip

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"duogateway/gpio"
)

// host is the GPIO chips of a machine.
type host struct {
	// discover returns the chips, and what is wrong with others.
	discover func() ([]device, error)
	sys      fs.FS // what the kernel shows in /sys

	mu      sync.Mutex
	claimed map[line]bool
}

func newHost(discover func() ([]device, error), sys fs.FS) *host {
	return &host{discover: discover, sys: sys, claimed: map[line]bool{}}
}

func (h *host) openPin(chip, name string) (gpio.Pin, error) {
	d, offset, err := h.find(chip, name)
	if err != nil {
		return nil, err
	}
	l := d.line(offset)
	if !h.claim(l) {
		return nil, fmt.Errorf("line %s of GPIO chip %s: %w: by this program", name, chip, gpio.ErrLinesBusy)
	}
	p := &pin{line: l, free: func() { h.free(l) }}
	// The driver asks the kernel for a line at its first use, not before.
	if err := p.Input(); err != nil {
		return nil, errors.Join(requestError(chip, name, err), p.Close())
	}
	return p, nil
}

func (h *host) openInput(chip, name string) (*Input, error) {
	d, offset, err := h.find(chip, name)
	if err != nil {
		return nil, err
	}
	edges, err := d.watch(offset)
	if err != nil {
		return nil, requestError(chip, name, err)
	}
	return &Input{edges: edges}, nil
}

// claim says whether the line was free until now.
func (h *host) claim(l line) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.claimed[l] {
		return false
	}
	h.claimed[l] = true
	return true
}

func (h *host) free(l line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.claimed, l)
}
