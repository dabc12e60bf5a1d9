package chip

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"duogateway/gpio"
)

const label, lineName = "pinctrl-bcm2711", "GPIO17"

// open opens the line of a fresh fake.
func open(t *testing.T) (*host, *fakeLine, gpio.Pin) {
	t.Helper()
	k := newKernel(label, "GPIO16", lineName)
	h := hostOf(nil, k)
	p, err := h.openPin(label, lineName)
	if err != nil {
		t.Fatal(err)
	}
	return h, k.named(lineName), p
}

func TestPin(t *testing.T) {
	_, l, p := open(t)
	if err := errors.Join(p.High(), p.Low(), p.High(), p.Input(), p.Low(), p.Close()); err != nil {
		t.Error(err)
	}
	want := []string{"in", "low", "high", "low", "high", "in", "low", "closed"}
	if !slices.Equal(l.history, want) {
		t.Errorf("the line saw %v, want %v", l.history, want)
	}
}

// A line is claimed when it is opened, not when it is first driven.
func TestPinIsClaimed(t *testing.T) {
	h, l, p := open(t)
	if !l.requested {
		t.Error("the kernel was not asked for the line")
	}
	if _, err := h.openPin(label, lineName); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("claimed twice: %v", err)
	}
	if err := p.Close(); err != nil || l.requested {
		t.Errorf("closed: %v, requested: %v", err, l.requested)
	}
	again, err := h.openPin(label, lineName)
	if err != nil {
		t.Fatal(err)
	}
	// The line is another's now: the first pin has nothing to say any more.
	if err := p.Close(); err != nil || !l.requested {
		t.Errorf("closed again: %v, requested: %v", err, l.requested)
	}
	for _, do := range []func() error{p.Low, p.High, p.Input} {
		if err := do(); !errors.Is(err, errClosed) {
			t.Errorf("a closed pin was driven: %v", err)
		}
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestPinOfAnotherProgram(t *testing.T) {
	k := newKernel(label, lineName)
	h := hostOf(nil, k)
	l := k.named(lineName)
	l.stranger = true
	if _, err := h.openPin(label, lineName); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("got %v", err)
	}
	if _, err := h.openInput(label, lineName); !errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("got %v", err)
	}
	l.stranger, l.fault = false, ioctlError(syscall.ENODEV)
	if _, err := h.openPin(label, lineName); err == nil || errors.Is(err, gpio.ErrLinesBusy) {
		t.Errorf("got %v", err)
	}
	l.fault = nil
	p, err := h.openPin(label, lineName)
	if err != nil {
		t.Fatalf("it is free now: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// The driver remembers what it wanted, not what it got.
func TestPinIsDrivenAfterAFailure(t *testing.T) {
	_, l, p := open(t)
	l.fault = errors.New("not now")
	for range 2 {
		if err := p.High(); err == nil {
			t.Error("driven in spite of a failure")
		}
	}
	l.fault = nil
	if err := p.High(); err != nil || !l.high || !l.output {
		t.Errorf("got %v, output %v, high %v", err, l.output, l.high)
	}
}
