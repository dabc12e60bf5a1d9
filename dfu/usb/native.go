package usb

import (
	"time"

	"github.com/google/gousb"
)

// native is what this package asks of libusb. Its errors are, or wrap, those
// of gousb.
type native interface {
	// devices lists the devices on all buses. With an error the list holds
	// those that could be described all the same.
	devices() ([]device, error)
	// open opens exactly this device and claims its interface 0. It may block
	// for seconds while the device is busy.
	open(device) (handle, error)
}

// handle is an open device. It must not be used by two goroutines at once.
type handle interface {
	control(r request, timeout time.Duration) (int, error)
	close() error
}

// device is a device as the kernel knows it. Two are the same stay of a device
// on the bus when they are equal.
type device struct {
	port            string // bus and path of ports, as "1-1.4"; empty for a root hub
	address         int    // 1 to 127, which the kernel gives in turn to what comes to a bus
	vendor, product uint16
	class           gousb.Class // bDeviceClass
}

func (d device) isHub() bool { return d.port == "" || d.class == gousb.ClassHub }

// request is one control transfer.
type request struct {
	requestType, request uint8
	value, index         uint16
	data                 []byte
}

// fromDevice is bit 7 of requestType: the direction of the data.
const fromDevice = 0x80

func (r request) reads() bool { return r.requestType&fromDevice != 0 }
