package usbip

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Controller is the virtual host controller of a Linux kernel, the module
// vhci-hcd, by its files in sysfs.
type Controller struct {
	// Sysfs is where sysfs is; empty means /sys.
	Sysfs string

	write func(file string, data []byte) error // nil but where a test is the kernel
}

// FullSpeed is the speed of a Duo, 12 Mbit/s, as USB/IP numbers it.
const FullSpeed = 2

// How long a port may stay busy behind a device that has gone, and how often
// it is looked at.
const (
	portPatience = 5 * time.Second
	portPeriod   = 5 * time.Millisecond
)

func (c Controller) file(name string) string {
	root := c.Sysfs
	if root == "" {
		root = "/sys"
	}
	return filepath.Join(root, "devices/platform/vhci_hcd.0", name)
}

// attach gives a port the connection of a device: socket is an open file of
// this process, of which the kernel takes a reference of its own. It waits
// while the port is busy with a device that has just gone.
func (c Controller) attach(ctx context.Context, port int, socket uintptr, device uint32) error {
	line := fmt.Sprintf("%d %d %d %d", port, socket, device, FullSpeed)
	write := c.write
	if write == nil {
		write = func(file string, data []byte) error { return os.WriteFile(file, data, 0) }
	}
	err := retryBusy(ctx, func() error { return write(c.file("attach"), []byte(line)) })
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("this kernel has no virtual USB host controller (modprobe vhci-hcd): %w", err)
	}
	if err != nil {
		return fmt.Errorf("attach a device to port %d: %w", port, err)
	}
	return nil
}

// retryBusy repeats do while it fails because something is busy.
func retryBusy(ctx context.Context, do func() error) error {
	for begun := time.Now(); ; {
		err := do()
		if !errors.Is(err, syscall.EBUSY) || time.Since(begun) >= portPatience {
			return err
		}
		select {
		case <-time.After(portPeriod):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// portFree is the state of a port without a device (VDEV_ST_NULL in Linux
// drivers/usb/usbip/usbip_common.h).
const portFree = 4

// free tells whether a port has no device.
func (c Controller) free(port int) (bool, error) {
	text, err := os.ReadFile(c.file("status"))
	if err != nil {
		return false, fmt.Errorf("read the ports of the virtual USB host controller: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var hub string
		var number, state int
		if _, err := fmt.Sscanf(line, "%s %d %d", &hub, &number, &state); err == nil && number == port {
			return state == portFree, nil
		}
	}
	return false, fmt.Errorf("the virtual USB host controller has no port %d", port)
}
