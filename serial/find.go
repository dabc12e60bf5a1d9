package serial

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"duogateway/duo"
)

// tty is one stay of a board's serial port on the bus.
type tty struct {
	name   string // as in /dev
	device string // the number of the USB device, new with every enumeration
}

// controlInterface is the interface of the serial port that the kernel hangs
// the tty on (redbear/firmware
// platform/MCU/STM32F2xx/SPARK_Firmware_Driver/src/usbd_composite.c:95-155).
const controlInterface = ":1.0"

// find finds the tty of the running Duo on a USB port, given with its bus, as
// 1-1.4. It looks for the kernel's links
// /sys/class/tty/ttyACM0/device -> .../1-1.4/1-1.4:1.0.
func (p *Ports) find(usbPort string) (tty, error) {
	links, err := filepath.Glob(filepath.Join(p.sysfs, "class/tty/ttyACM*/device"))
	if err != nil {
		return tty{}, fmt.Errorf("looking for serial ports: %w", err)
	}
	for _, link := range links {
		target, err := filepath.EvalSymlinks(link)
		if err != nil || filepath.Base(target) != usbPort+controlInterface {
			continue // an error: it has just left
		}
		number, err := runningDuo(filepath.Dir(target))
		if err != nil {
			return tty{}, fmt.Errorf("USB port %s: %w: %w", usbPort, ErrNoPort, err)
		}
		return tty{filepath.Base(filepath.Dir(link)), number}, nil
	}
	return tty{}, fmt.Errorf("USB port %s: %w", usbPort, ErrNoPort)
}

// runningDuo gives the number of a USB device, if that is a Duo that runs.
func runningDuo(folder string) (number string, err error) {
	for file, want := range map[string]uint16{"idVendor": duo.VendorID, "idProduct": duo.ProductRun} {
		text, err := attribute(folder, file)
		if err != nil {
			return "", err
		}
		if got, err := strconv.ParseUint(text, 16, 16); err != nil || uint16(got) != want {
			return "", fmt.Errorf("its %s is %q, that of a running Duo is %04x", file, text, want)
		}
	}
	return attribute(folder, "devnum")
}

func attribute(folder, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(folder, name))
	return strings.TrimSpace(string(text)), err
}
