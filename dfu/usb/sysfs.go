package usb

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
)

// sysfsRoot is where the kernel shows each device in a folder named by its port.
const sysfsRoot = "/sys/bus/usb/devices"

// serial returns the serial number that the kernel read when the device came.
// It is empty when the device has none, when there is no sysfs, or when
// another device is on the port by now.
func serial(sysfs fs.FS, d device) string {
	if !shows(sysfs, d) {
		return ""
	}
	text, err := fs.ReadFile(sysfs, path.Join(d.port, "serial"))
	if err != nil || !shows(sysfs, d) {
		return ""
	}
	return string(bytes.TrimSuffix(text, []byte("\n")))
}

// shows tells whether sysfs has this very device on its port.
func shows(sysfs fs.FS, d device) bool {
	text, err := fs.ReadFile(sysfs, path.Join(d.port, "devnum"))
	return err == nil && string(bytes.TrimSpace(text)) == strconv.Itoa(d.address)
}
