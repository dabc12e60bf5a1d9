package usb

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/gousb"
)

// What the kernel shows of a board in DFU mode, of a hub and of its own hub.
const (
	boardUevent = "MAJOR=189\nMINOR=4\nDEVNAME=bus/usb/001/005\nDEVTYPE=usb_device\nDRIVER=usb\nPRODUCT=2b04/d058/250\nTYPE=0/0/0\nBUSNUM=001\nDEVNUM=005\n"
	hubUevent   = "DEVTYPE=usb_device\nPRODUCT=424/9514/200\nTYPE=9/0/2\nBUSNUM=001\nDEVNUM=002\n"
	otherUevent = "DEVTYPE=usb_interface\nPRODUCT=2b04/d058/250\nTYPE=0/0/0\nINTERFACE=254/1/2\nDEVNUM=005\n"
)

func TestList(t *testing.T) {
	sysfs := fstest.MapFS{}
	for name, text := range map[string]string{
		"1-1": hubUevent, "1-1.4": boardUevent, "usb1": hubUevent, "1-0:1.0": otherUevent, "1-1.4:1.0": otherUevent,
		"1-1.2": "DEVTYPE=usb_device\n", // it comes or leaves just now
	} {
		sysfs[name+"/uevent"] = &fstest.MapFile{Data: []byte(text)}
	}
	sysfs["1-1.3"] = &fstest.MapFile{Mode: fs.ModeDir}
	want := []device{
		{port: "1-1", address: 2, vendor: 0x0424, product: 0x9514, class: gousb.ClassHub},
		{port: "1-1.4", address: 5, vendor: 0x2B04, product: 0xD058},
	}
	if got, err := list(sysfs); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v and %v, want %v", got, err, want)
	}
	if _, err := list(os.DirFS("/proc/none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a sysfs: %v", err)
	}
}

// What is missing or makes no sense is no device.
func TestParseDeviceBroken(t *testing.T) {
	for _, broken := range []string{
		"", strings.Replace(boardUevent, "DEVNUM=005", "DEVNUM=000", 1), strings.Replace(boardUevent, "DEVNUM", "NUMBER", 1),
		strings.Replace(boardUevent, "PRODUCT=2b04", "PRODUCT=12b04", 1), strings.Replace(boardUevent, "TYPE=0", "TYPE=256", 1),
	} {
		if d, ok := parseDevice("1-1.4", []byte(broken)); ok {
			t.Errorf("%q is taken for %+v", broken, d)
		}
	}
}

func FuzzParseDevice(f *testing.F) {
	for _, seed := range []string{boardUevent, hubUevent, otherUevent, "", "=\n=", "PRODUCT=/\nTYPE=/\nDEVNUM=-1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, ok := parseDevice("1-1", text); ok && (d.port != "1-1" || d.address <= 0) {
			t.Errorf("%q is taken for %+v", text, d)
		}
	})
}
