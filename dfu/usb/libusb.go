package usb

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/gousb"
)

// libusb is the real native.
type libusb struct{ log *slog.Logger }

var errAbsent = errors.New("not on the bus")

func (l libusb) devices() ([]device, error) {
	c, err := newContext()
	if err != nil {
		return nil, err
	}
	defer l.letGo(c)
	var found []device
	_, err = c.OpenDevices(func(d *gousb.DeviceDesc) bool {
		found = append(found, describe(d))
		return false
	})
	return found, err
}

// open makes a context for the device alone. Claiming sets interface 0 to its
// alternate setting 0, on the device and in the kernel.
func (l libusb) open(want device) (handle, error) {
	c, err := newContext()
	if err != nil {
		return nil, err
	}
	opened, err := c.OpenDevices(func(d *gousb.DeviceDesc) bool { return describe(d) == want })
	if len(opened) == 0 {
		l.letGo(c)
		if err == nil {
			err = errAbsent
		}
		return nil, err
	}
	h := &libusbHandle{libusb: l, context: c, device: opened[0]} // what failed was another device
	if err := h.claim(); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// newContext starts libusb; the binding panics when that fails.
func newContext() (c *gousb.Context, err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case gousb.Error:
			err = fmt.Errorf("start libusb: %w (is there a /dev/bus/usb that this user may look into?)", reason)
		default:
			panic(reason)
		}
	}()
	return gousb.NewContext(), nil
}

// letGo closes a context without waiting for it: the binding looks only every
// 100 ms whether it is to end.
func (l libusb) letGo(c *gousb.Context) {
	go func() {
		if err := c.Close(); err != nil {
			l.log.Error("closing a context of libusb failed", "err", err)
		}
	}()
}

// describe names a device as the kernel does.
func describe(d *gousb.DeviceDesc) device {
	found := device{address: d.Address, vendor: uint16(d.Vendor), product: uint16(d.Product), class: d.Class}
	if len(d.Path) > 0 {
		ports := make([]string, len(d.Path))
		for i, port := range d.Path {
			ports[i] = strconv.Itoa(port)
		}
		found.port = fmt.Sprintf("%d-%s", d.Bus, strings.Join(ports, "."))
	}
	return found
}

type libusbHandle struct {
	libusb
	context *gousb.Context
	device  *gousb.Device
	config  *gousb.Config    // nil until claimed
	claimed *gousb.Interface // nil until claimed
}

// claim keeps other programs and drivers off interface 0. The binding tells
// the errors of it as text only.
func (h *libusbHandle) claim() error {
	if err := h.device.SetAutoDetach(true); err != nil {
		return fmt.Errorf("take the device from its driver: %w", err)
	}
	active, err := h.device.ActiveConfigNum()
	if err != nil {
		return fmt.Errorf("ask for the configuration: %w", err)
	}
	if h.config, err = h.device.Config(active); err != nil {
		return fmt.Errorf("keep configuration %d: %w", active, err)
	}
	if h.claimed, err = h.config.Interface(0, 0); err != nil {
		return fmt.Errorf("claim interface 0 (does another program use the device?): %w", err)
	}
	return nil
}

func (h *libusbHandle) control(r request, timeout time.Duration) (int, error) {
	h.device.ControlTimeout = timeout // never 0, which would stand for ever
	return h.device.Control(r.requestType, r.request, r.value, r.index, r.data)
}

func (h *libusbHandle) close() error {
	defer h.letGo(h.context)
	if h.claimed != nil {
		h.claimed.Close()
	}
	var err error
	if h.config != nil {
		err = h.config.Close()
	}
	return errors.Join(err, h.device.Close())
}
