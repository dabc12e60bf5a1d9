package daemon_test

import (
	"testing"
	"testing/synctest"
	"time"

	"duogateway/daemon"
	"duogateway/dfu"
	"duogateway/job"
)

func TestOnPort(t *testing.T) {
	for _, c := range []struct {
		device, bay string
		on          bool
	}{
		{"1-1.4", "1-1.4", true},
		{"1-1.4", "1.4", true},
		{"2-1.4", "1.4", true},
		{"2-1.4", "1-1.4", false},
		{"11-1.4", "1-1.4", false},
		{"1-1.4", "4", false},
		{"1-1.4", "1-1", false},
		{"1-1.4.1", "1.4", false},
		{"1-11.4", "1.4", false},
		{"1-1", "1", true},
		{"1-1", "1-1.1", false},
	} {
		if daemon.OnPort(dfu.Attachment{Port: c.device}, c.bay) != c.on {
			t.Errorf("a device on %s, a bay with %s: want %v", c.device, c.bay, c.on)
		}
	}
}

// A bay without a bus in its port finds its board, unless two buses have one.
func TestPortWithoutBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Config.Bays[0].Port = "1.1"
		d, err := daemon.New(b.Config, b.parts(), b.store)
		if err != nil {
			t.Fatal(err)
		}
		b.Daemon = d
		defer b.work()()

		b.bus.plug("2-1.1", "2-1.2")
		time.Sleep(time.Second)
		bays, err := d.Station().Bays()
		if err != nil {
			t.Fatal(err)
		}
		if one := bays[0]; !one.Occupied || one.Device != "Duo" || one.DeviceID != "1a42f7ad164cf1e1f461b070" || one.Trouble != "" {
			t.Errorf("the first bay is %+v", one)
		}
		if bays[1].Occupied {
			t.Errorf("the second bay has the board of another bus: %+v", bays[1])
		}

		b.bus.plug("1-1.1", "2-1.1")
		time.Sleep(time.Second)
		if bays, err = d.Station().Bays(); err != nil || bays[0].Trouble == "" {
			t.Errorf("two boards on one port are no trouble: %+v, %v", bays[0], err)
		}
		j, err := d.Station().Admit(job.Request{Kind: job.Repair, Bay: "bay-1", Source: job.FromCommand})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if j, err = d.Station().Job(j.ID); err != nil || j.Verdict != job.Error || j.Fault.Code != job.PortAmbiguous || j.Wrote {
			t.Errorf("the job is %+v, %v", j, err)
		}
	})
}

func TestDeviceNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.bus.attached = []dfu.Attachment{
			{Port: "1-1.1", Vendor: 0x2b04, Product: 0xd058, Serial: "00000000010C"},
			{Port: "1-1.2", Vendor: 0x046d, Product: 0xc31c},
			{Port: "1-1.3", Vendor: 0x2b04, Product: 0xc058},
		}
		defer b.work()()
		time.Sleep(time.Second)
		bays, err := b.Station().Bays()
		if err != nil {
			t.Fatal(err)
		}
		if bays[0].Device != "Duo in DFU mode" || bays[0].DeviceID != "" {
			t.Errorf("a Duo that tells no id: %+v", bays[0])
		}
		if bays[1].Device != "USB device 046d:c31c" {
			t.Errorf("a keyboard: %+v", bays[1])
		}
	})
}
