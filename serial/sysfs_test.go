package serial

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// sysfs is a sysfs with the ttys of a test, and the folder of their devices.
type sysfs struct {
	t         *testing.T
	root, dev string
}

func newSysfs(t *testing.T) sysfs {
	t.Helper()
	s := sysfs{t, filepath.Join(t.TempDir(), "sys"), t.TempDir()}
	s.must(os.MkdirAll(filepath.Join(s.root, "class/tty"), 0o755))
	return s
}

func (s sysfs) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// ports are the ports of this sysfs, whose ttys are opened by open.
func (s sysfs) ports(open func(path string) (port, error)) *Ports {
	p := New(Config{Sysfs: s.root, Dev: s.dev, Log: slog.New(slog.DiscardHandler)})
	if open != nil {
		p.open = open
	}
	return p
}

// plug attaches a USB device with a tty, as the kernel lays it out.
func (s sysfs) plug(tty, usbPort, vendor, product, number string) {
	s.t.Helper()
	device := filepath.Join(s.root, "devices/platform/usb1/1-1", usbPort)
	function := filepath.Join(device, usbPort+":1.0")
	s.must(os.MkdirAll(filepath.Join(function, "tty", tty), 0o755))
	for name, text := range map[string]string{"idVendor": vendor, "idProduct": product, "devnum": number} {
		s.must(os.WriteFile(filepath.Join(device, name), []byte(text+"\n"), 0o644))
	}
	s.must(os.Symlink("../../../"+usbPort+":1.0", filepath.Join(function, "tty", tty, "device")))
	s.must(os.Symlink(filepath.Join(function, "tty", tty), filepath.Join(s.root, "class/tty", tty)))
}

// unplug takes the tty away.
func (s sysfs) unplug(tty, usbPort string) {
	s.t.Helper()
	s.must(os.Remove(filepath.Join(s.root, "class/tty", tty)))
	s.must(os.RemoveAll(filepath.Join(s.root, "devices/platform/usb1/1-1", usbPort)))
}

// duo attaches a Duo that runs, on port 1-1.4.
func (s sysfs) duo() {
	s.t.Helper()
	s.plug("ttyACM0", "1-1.4", "2b04", "c058", "7")
}

func TestFind(t *testing.T) {
	s := newSysfs(t)
	s.plug("ttyACM3", "1-1.4", "2b04", "c058", "9")
	s.plug("ttyACM0", "1-1.4.1", "2b04", "c058", "10")
	s.plug("ttyACM1", "11-1.4", "2b04", "c058", "11")
	s.plug("ttyACM2", "1-1.2", "2341", "0043", "12") // another maker's
	s.plug("ttyACM4", "1-1.3", "2b04", "c006", "13") // a Photon
	s.plug("ttyACM5", "1-1.5", "", "c058", "14")
	s.must(os.Symlink("../../devices/gone", filepath.Join(s.root, "class/tty/ttyACM6")))
	for usbPort, want := range map[string]string{
		"1-1.4": "ttyACM3", "1-1.4.1": "ttyACM0", "11-1.4": "ttyACM1",
		"1-1.2": "", "1-1.3": "", "1-1.5": "", "1-1": "", "1.4": "", "": "", "*": "",
	} {
		found, err := s.ports(nil).find(usbPort)
		if found.name != want || errors.Is(err, ErrNoPort) != (want == "") || (err == nil) != (want != "") {
			t.Errorf("port %q: %+v, %v, want %q", usbPort, found, err, want)
		}
	}
}

// A machine without a single ttyACM has no such folder entries, and one without
// sysfs has no ports.
func TestFindNothing(t *testing.T) {
	for _, root := range []string{newSysfs(t).root, "/nowhere"} {
		if _, err := New(Config{Sysfs: root}).find("1-1.4"); !errors.Is(err, ErrNoPort) {
			t.Errorf("%s: %v", root, err)
		}
	}
}
