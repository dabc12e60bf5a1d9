//go:build guest

package guest

import (
	"os"
	"testing"

	"duogateway/gpio"
	"duogateway/job"
)

// persistOutputs makes the simulated chip drive on what nobody holds any more,
// as a Raspberry Pi does without strict_gpiod.
const persistOutputs = "/sys/module/gpio_sim/parameters/persist_outputs"

// A station on a kernel that keeps lines driven makes no gesture and says why.
// It has the chip for itself: no other test runs. // P2
func TestKeepsOutputs(t *testing.T) {
	long(t)
	must(t, os.WriteFile(persistOutputs, []byte("Y"), 0))
	defer func() { must(t, os.WriteFile(persistOutputs, []byte("N"), 0)) }()
	b := newBay(t, "bay", usbPorts.take(t, 1)[0], gpio.FET, quickBoard)
	begun := uptime()
	s := stationOf(t, gpio.DefaultHold, b)
	s.start()
	j := s.wait(s.submit(job.Backup, b.name))
	if j.Verdict != job.Error || j.Fault == nil || j.Fault.Code != job.KeepsOutputs {
		t.Errorf("the job is %s, verdict %s, fault %+v, want %s", j.State, j.Verdict, j.Fault, job.KeepsOutputs)
	}
	s.stop()
	if moves := b.moves(begun); len(moves) > 0 {
		t.Errorf("the lines were moved:%s", timeline(moves))
	}
}
