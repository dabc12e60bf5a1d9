//go:build guest

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/usb"
	"duogateway/gpio"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// Two boards that tell the same serial number, as all do whose bootloader is
// old, are worked on at the same time. Each gets its own key back. // P1, P4
func TestTwoBoardsOneSerial(t *testing.T) {
	t.Parallel()
	long(t)
	ports := usbPorts.take(t, 2)
	var bays []*bay
	var keys []string
	for i, port := range ports {
		config := quickBoard
		config.Bootloader, config.Seed = virtualduo.BootloaderR4(), uint64(i+1)
		b := newBay(t, fmt.Sprint("bay-", i+1), port, gpio.FET, config)
		bays, keys = append(bays, b), append(keys, b.board.FirmwareFingerprint())
	}
	s := stationOf(t, gpio.DefaultHold, bays...)
	s.start()
	s.doAll(job.Backup, bays)
	for _, b := range bays {
		must(t, errors.Join(b.board.ZeroKey(), b.board.ZeroKey())) // each goes to the other copy
	}
	for i, j := range s.doAll(job.Repair, bays) {
		if want := fmt.Sprintf("%x", bays[i].board.UID()); j.DeviceID != want {
			t.Errorf("%s: the job was on board %s, not %s", bays[i].name, j.DeviceID, want)
		}
		if got := bays[i].board.FirmwareFingerprint(); got != keys[i] {
			t.Errorf("%s: the board has the key %q, not %q", bays[i].name, got, keys[i])
		}
	}
}

// doAll does a job in each bay, all at once. They must pass.
func (s *station) doAll(kind job.Kind, bays []*bay) (done []job.Job) {
	s.t.Helper()
	var ids []string
	for _, b := range bays {
		ids = append(ids, s.submit(kind, b.name))
	}
	for _, id := range ids {
		done = append(done, s.waitPass(id))
	}
	return done
}

// A board that comes up on another port than that of its bay is not taken for
// the one in the bay. Its station waits a minute for the right one, so this
// test is the first to begin. // P1
func TestBoardOnWrongPort(t *testing.T) {
	long(t)
	ports := usbPorts.take(t, 2)
	t.Parallel()
	b := newBay(t, "bay", ports[0], gpio.FET, quickBoard)
	s := stationOf(t, gpio.DefaultHold, b)
	s.start()
	id := s.submit(job.Backup, b.name)
	s.awaitRise(b.name)
	b.unplug()
	connect(t, ports[1], b.board)
	awaitProduct(t, ports[1], inDFU)
	j := s.wait(id)
	if j.Fault == nil || j.Fault.Code != job.NoUSB {
		t.Errorf("the job is %s, fault %+v, want %s", j.State, j.Fault, job.NoUSB)
	}
	bays, err := s.client.Bays(context.Background())
	must(t, err)
	if len(bays) != 1 || bays[0].Occupied {
		t.Errorf("the bay is not empty: %+v", bays)
	}
	if product(ports[1]) != inDFU {
		t.Error("the board on the other port was touched")
	}
}

// A plug that is pulled in the midst of a transfer is told as that, soon, and
// the next board on the port can be used.
func TestUnpluggedInTransfer(t *testing.T) {
	t.Parallel()
	long(t)
	processors.take(t, 1)
	port := usbPorts.take(t, 1)[0]
	board := plugged(t, port, virtualduo.Config{Timing: quickFlash})
	bus := usb.New(quiet(t))
	for _, after := range []time.Duration{0, 7 * time.Millisecond, 50 * time.Millisecond} {
		startDFU(board)
		awaitProduct(t, port, inDFU)
		transport, err := openBoard(t, bus, port)
		must(t, err)
		device, err := dfu.Open(t.Context(), transport, dfu.Options{})
		must(t, err)
		pulled := make(chan time.Time, 1)
		go func() {
			time.Sleep(after)
			detach(t, port)
			pulled <- time.Now()
		}()
		for err == nil {
			_, err = device.Read(t.Context(), 0, 0x08000000, 64<<10, nil)
		}
		if took := time.Since(<-pulled); !errors.Is(err, dfu.ErrGone) || took > 5*time.Second {
			t.Errorf("pulled after %v: told %v later as %v", after, took, err)
		}
		must(t, device.Close())
		awaitEmpty(t, port)
	}
}

// detach takes the device on a port off the bus, in the kernel.
func detach(t *testing.T, port string) {
	number := fmt.Sprint(controllerPort(t, port))
	if err := os.WriteFile("/sys/devices/platform/vhci_hcd.0/detach", []byte(number), 0); err != nil {
		t.Error(err)
	}
}
