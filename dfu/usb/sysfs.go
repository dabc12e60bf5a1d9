package usb

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// sysfsRoot is where the kernel shows each device in a folder named by its port.
const sysfsRoot = "/sys/bus/usb/devices"

// devicePort is the name of a device's folder: a root hub has another one, and
// so have interfaces.
var devicePort = regexp.MustCompile(`^[0-9]+-[0-9]+(\.[0-9]+)*$`)

// list tells what is on the buses, the root hubs apart.
func list(sysfs fs.FS) ([]device, error) {
	folders, err := fs.ReadDir(sysfs, ".")
	if err != nil {
		return nil, fmt.Errorf("%w (this needs a kernel with USB, and its /sys)", err)
	}
	var found []device
	for _, folder := range folders {
		if !devicePort.MatchString(folder.Name()) {
			continue
		}
		text, err := fs.ReadFile(sysfs, path.Join(folder.Name(), "uevent"))
		if err != nil {
			continue // it has just left
		}
		if d, ok := parseDevice(folder.Name(), text); ok {
			found = append(found, d)
		}
	}
	return found, nil
}

// parseDevice reads how the kernel describes a device on a port, in lines such
// as PRODUCT=2b04/d058/250 (vendor, product and release in hexadecimal), TYPE=0/0/0
// (class, subclass and protocol) and DEVNUM=005 (Linux drivers/usb/core/driver.c:
// usb_uevent, drivers/usb/core/usb.c: usb_dev_uevent). It says false when
// something is missing, as while the device leaves.
func parseDevice(port string, text []byte) (device, bool) {
	said := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		said[key] = value
	}
	d := device{port: port}
	_, product := fmt.Sscanf(said["PRODUCT"], "%x/%x/", &d.vendor, &d.product)
	_, class := fmt.Sscanf(said["TYPE"], "%d/", &d.class)
	_, address := fmt.Sscanf(said["DEVNUM"], "%d", &d.address)
	return d, errors.Join(product, class, address) == nil && d.address > 0
}

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
