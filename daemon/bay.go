package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/station"
)

// OnPort tells whether a device is on a bay's port.
func OnPort(a dfu.Attachment, port string) bool { return isPort(a.Port, port) }

// isPort tells whether a port with its bus is one that a bay names. A bay may
// leave the bus out.
func isPort(full, port string) bool { return full == port || strings.HasSuffix(full, "-"+port) }

// finder shows the bus to the station, with the ports named as bays name them.
type finder struct {
	bus  dfu.Bus
	bays []BayConfig
}

func (f finder) Devices(ctx context.Context) ([]station.Device, error) {
	attached, err := f.bus.Attachments(ctx)
	if err != nil {
		return nil, err
	}
	var devices []station.Device
	for _, a := range attached {
		id, _ := duo.DeviceIDFromSerial(a.Serial)
		for _, b := range f.bays {
			if OnPort(a, b.Port) {
				devices = append(devices, station.Device{Port: b.Port, ID: string(id), Name: deviceName(a), Board: isDuo(a)})
			}
		}
	}
	return devices, nil
}

// isDuo tells whether a device says that it is a Duo, in whichever mode.
func isDuo(a dfu.Attachment) bool {
	return a.Vendor == duo.VendorID && (a.Product == duo.ProductDFU || a.Product == duo.ProductRun)
}

func deviceName(a dfu.Attachment) string {
	switch {
	case !isDuo(a):
		return fmt.Sprintf("USB device %04x:%04x", a.Vendor, a.Product)
	case a.Product == duo.ProductDFU:
		return "Duo in DFU mode"
	default:
		return "Duo"
	}
}

// port is one bay's port, for a recipe.
type port struct {
	bus  dfu.Bus
	path string
}

func (p port) Look(ctx context.Context) (dfu.Attachment, bool, error) {
	attached, err := p.bus.Attachments(ctx)
	if err != nil {
		return dfu.Attachment{}, false, job.Failf(job.USBFailed, "looking at port %s: %w", p.path, err)
	}
	var found []dfu.Attachment
	for _, a := range attached {
		if OnPort(a, p.path) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 0:
		return dfu.Attachment{}, false, nil
	case 1:
		return found[0], true, nil
	default:
		return dfu.Attachment{}, false, job.Failf(job.PortAmbiguous, "port %s names %s and %s", p.path, found[0].Port, found[1].Port)
	}
}

func (p port) Open(ctx context.Context, a dfu.Attachment) (dfu.Transport, error) {
	transport, err := p.bus.Open(ctx, a)
	if err != nil {
		return nil, job.Failf(job.USBFailed, "opening the board on port %s: %w", a.Port, err)
	}
	return transport, nil
}

// lines are one bay's, for a recipe.
type lines struct {
	gestures Gestures
	bay      gpio.Bay
}

func (l lines) EnterDFU(ctx context.Context) (gpio.Result, error) {
	return l.gestures.EnterDFU(ctx, l.bay)
}
func (l lines) Reset(ctx context.Context) error { return l.gestures.Reset(ctx, l.bay) }
func (l lines) Acknowledge() error              { return l.gestures.Acknowledge(l.bay.Name) }

// Lines says where the lines of a bay are.
func (b BayConfig) Lines() gpio.Bay {
	return gpio.Bay{Name: b.Name, Chip: b.Chip, Reset: b.Reset, Setup: b.Setup, Wiring: gpio.Wiring(b.Wiring)}
}

// RunnerConfig is what the configuration says about gestures. The caller adds
// how to start a child and how to open a pin.
func (c Config) RunnerConfig() gpio.RunnerConfig {
	return gpio.RunnerConfig{RuntimeDir: c.Runtime, Gesture: gpio.Gesture{Hold: c.Gesture.Hold.Duration()}}
}

var errNoBay = errors.New("no bay is occupied")
