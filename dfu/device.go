package dfu

import (
	"context"
	"fmt"
	"time"
)

// The time that one control transfer may take.
const (
	// MinTimeout is the least: a GETSTATUS lasts as long as the erase it runs.
	MinTimeout     = 5 * time.Second
	DefaultTimeout = 10 * time.Second
)

// Options says how a device may be used.
type Options struct {
	// Limit decides on each write and erase before a byte is sent; an error
	// refuses it. For an erase it is asked about the whole sectors. Nil
	// refuses every write and erase.
	Limit func(alt uint8, addr uint32, length int) error

	// Timeout is for one control transfer: 0 stands for DefaultTimeout, and
	// less than MinTimeout for MinTimeout.
	Timeout time.Duration
}

// Progress is told how many bytes are done of how many. It is called from the
// goroutine of the operation and may be nil.
type Progress = func(done, total int)

// Device is an open device in DFU mode. It is used by one goroutine at a time.
// After any error but ErrGone it may be used on: each operation begins by
// bringing the device to dfuIDLE.
type Device struct {
	bus     Transport
	limit   func(alt uint8, addr uint32, length int) error
	timeout time.Duration
	info    Info
}

// Open reads the descriptors and brings the device to dfuIDLE, whatever state
// it is in; a write that another host left pending is dropped, not done. The
// device owns the transport from then on; after an error the caller still does.
func Open(ctx context.Context, bus Transport, options Options) (*Device, error) {
	d := &Device{bus: bus, limit: options.Limit, timeout: options.Timeout}
	if d.timeout == 0 {
		d.timeout = DefaultTimeout
	}
	d.timeout = max(d.timeout, MinTimeout)
	if err := d.describe(ctx); err != nil {
		return nil, fmt.Errorf("dfu: open: %w", err)
	}
	if err := d.toIdle(ctx); err != nil {
		return nil, fmt.Errorf("dfu: open: %w", err)
	}
	return d, nil
}

// Info returns what the device told of itself when it was opened.
func (d *Device) Info() Info { return d.info }

// Close lets the device go, in the state it is in.
func (d *Device) Close() error {
	if err := d.bus.Close(); err != nil {
		return fmt.Errorf("dfu: close: %w", err)
	}
	return nil
}

// layout returns the layout of alt if the whole range allows need.
func (d *Device) layout(alt uint8, addr uint32, length int, need Access) (Layout, error) {
	found, ok := d.info.alt(alt)
	if !ok {
		return Layout{}, fmt.Errorf("%w: no alternate setting %d", ErrRefused, alt)
	}
	if err := found.Layout.Check(addr, length, need); err != nil {
		return Layout{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return found.Layout, nil
}

// allow asks the caller's limit.
func (d *Device) allow(alt uint8, addr uint32, length int) error {
	if d.limit == nil {
		return fmt.Errorf("%w: opened for reading only", ErrRefused)
	}
	if err := d.limit(alt, addr, length); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}

// begin makes the device ready for an operation on alt.
func (d *Device) begin(ctx context.Context, alt uint8) error {
	if err := d.toIdle(ctx); err != nil {
		return err
	}
	transfer, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := d.bus.SelectAlt(transfer, alt); err != nil {
		return fmt.Errorf("select alternate setting %d: %w", alt, classify(ctx, transfer, err))
	}
	return nil
}

// doing wraps the error of an operation with what it was.
func doing(what string, alt uint8, addr uint32, length int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("dfu: %s alt %d 0x%08x+%d: %w", what, alt, addr, length, err)
}

// report calls progress if there is one.
func report(progress Progress, done, total int) {
	if progress != nil {
		progress(done, total)
	}
}
