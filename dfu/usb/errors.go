package usb

import (
	"errors"
	"fmt"

	"github.com/google/gousb"
)

// fault is an error of a device of which the kind is known, as dfu.Transport
// asks for.
type fault struct {
	err           error
	stalled, gone bool
}

// Error tells what happened.
func (f *fault) Error() string { return f.err.Error() }

// Unwrap returns the error of libusb.
func (f *fault) Unwrap() error { return f.err }

// Stalled is true when the device refused the request.
func (f *fault) Stalled() bool { return f.stalled }

// Gone is true when the device has left the bus.
func (f *fault) Gone() bool { return f.gone }

func gone(err error) error { return &fault{err: err, gone: true} }

var (
	errLeft   = errors.New("the device has left the bus")
	errClosed = errors.New("the device is closed")
)

// passing tells whether the error of a list is that of a device which is just
// coming or leaving.
func passing(err error) bool {
	return errors.Is(err, gousb.ErrorNoDevice) || errors.Is(err, gousb.ErrorIO) || errors.Is(err, gousb.ErrorNotFound)
}

// advise says what to do about a device that is there and cannot be opened.
func advise(d device, err error) error {
	switch {
	case errors.Is(err, gousb.ErrorAccess):
		return fmt.Errorf("%w (a udev rule must let this user open devices %04x:%04x)", err, d.vendor, d.product)
	case errors.Is(err, gousb.ErrorNoDevice):
		return fmt.Errorf("%w (it is on the bus, but has no node under /dev/bus/usb that can be seen from here)", err)
	}
	return err
}
