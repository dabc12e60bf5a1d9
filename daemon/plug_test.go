package daemon_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/daemon"
	"duogateway/dfu"
)

// A Duo that is plugged in gets the job that its bay says, or that the station
// says. Nothing else gets one.
func TestOnPlug(t *testing.T) {
	duo := dfu.Attachment{Port: "1-1.1", Vendor: 0x2b04, Product: 0xc058, Serial: "1a42f7ad164cf1e1f461b070"}
	other := func(port string, vendor, product uint16) dfu.Attachment {
		return dfu.Attachment{Port: port, Vendor: vendor, Product: product}
	}
	for name, c := range map[string]struct {
		station, bay string // on_plug
		plugged      dfu.Attachment
		want         []string
	}{
		"off":                 {"off", "", duo, nil},
		"diagnose":            {"diagnose", "", duo, []string{"diagnose bay-1 on-plug"}},
		"repair":              {"repair", "", duo, []string{"repair bay-1 on-plug"}},
		"this bay alone":      {"off", "repair", duo, []string{"repair bay-1 on-plug"}},
		"all but this bay":    {"repair", "off", duo, nil},
		"another than others": {"repair", "diagnose", duo, []string{"diagnose bay-1 on-plug"}},
		"the other bay":       {"diagnose", "off", other("1-1.2", 0x2b04, 0xc058), []string{"diagnose bay-2 on-plug"}},
		"in DFU mode":         {"diagnose", "", other("1-1.1", 0x2b04, 0xd058), []string{"diagnose bay-1 on-plug"}},
		"a Photon":            {"diagnose", "", other("1-1.1", 0x2b04, 0xc006), nil},
		"a keyboard":          {"diagnose", "", other("1-1.1", 0x046d, 0xc31c), nil},
		"no bay's port":       {"diagnose", "", other("1-1.3", 0x2b04, 0xc058), nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				cfg := b.Config
				cfg.OnPlug, cfg.Bays[0].OnPlug = c.station, c.bay
				var err error
				if b.Daemon, err = daemon.New(cfg, b.parts(), b.store); err != nil {
					t.Fatal(err)
				}
				defer b.work()()
				b.bus.attach(c.plugged)
				time.Sleep(time.Minute)
				if got := b.asked(t); !slices.Equal(got, c.want) {
					t.Errorf("asked for %q, want %q", got, c.want)
				}
			})
		})
	}
}
