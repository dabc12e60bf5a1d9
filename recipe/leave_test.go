package recipe

import (
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
)

// A job that is canceled, or runs out of time, before its first write leaves
// the board running as it came, and in DFU mode if it came so or would make a
// key of its own.
func TestCanceledBeforeTheWrite(t *testing.T) {
	beforeWrite := []string{stepIdentify, stepBackup, stepDiagnose, stepDecide, stepWrite}
	for _, test := range []struct {
		name   string
		before func(b *bench)
		steps  []string
		want   uint16
	}{
		{"running", func(b *bench) { b.zero() }, beforeWrite, duo.ProductRun},
		{"in DFU mode", func(b *bench) { b.intoDFU(); b.zero() }, beforeWrite, duo.ProductDFU},
		{"erased while it ran", func(b *bench) { b.lose(duo.ResetBlob()) }, []string{stepDiagnose, stepDecide, stepWrite}, duo.ProductDFU},
	} {
		for _, step := range test.steps {
			t.Run(test.name+" "+step, func(t *testing.T) {
				onBench(t, usual, func(t *testing.T, b *bench) {
					test.before(b)
					b.store(recordOf(t, 1, idOf(b.board)))
					w := b.begin(job.Repair, job.Options{})
					b.must(w.runTo(step))
					w.close(job.Canceled)
					time.Sleep(time.Minute)
					if got := product(b.board); got != test.want {
						t.Errorf("the board is on the bus as %04x, want %04x", got, test.want)
					}
					if n := b.board.Counters(); n.HostWrites != 0 || n.KeyGenerations != 0 {
						t.Errorf("%d blocks were written, %d keys made", n.HostWrites, n.KeyGenerations)
					}
				})
			})
		}
	}
}

// A board that is half written does not leave DFU mode when its job fails.
func TestFailedBehindTheWrite(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.zero()
		b.store(recordOf(t, 1, idOf(b.board)))
		w := b.begin(job.Repair, job.Options{})
		b.must(w.runTo(stepReadBack))
		w.close(job.Failed)
		time.Sleep(time.Minute)
		if got := product(b.board); got != duo.ProductDFU {
			t.Errorf("the board is on the bus as %04x", got)
		}
	})
}

// A bare WICED board is not ours: nothing is written, and it runs again.
func TestBareWICEDBoard(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.must(b.board.WriteDCT(duo.ExtraFlagsOffsetNew, []byte{0xA5, 0x5A}))
		b.board.PowerOff()
		b.board.PowerOn()
		hasCode(t, b.begin(job.Repair, job.Options{}).run(), job.NotParticleFirmware)
		time.Sleep(time.Minute)
		if got := product(b.board); got != 0 || b.board.Counters().HostWrites != 0 {
			t.Errorf("the board is on the bus as %04x, %d blocks were written", got, b.board.Counters().HostWrites)
		}
	})
}

// Firmware that does not come up is a fault, unless a deeper one was found.
func TestFirmwareDoesNotComeUp(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(b *bench)
		kind   job.Kind
		code   job.Code
	}{
		{"sound", func(*bench) {}, job.Diagnose, job.NotRunning},
		{"repaired", func(b *bench) { b.zero() }, job.Repair, job.NotRunning},
		{"damaged", func(b *bench) { b.zero() }, job.Diagnose, job.KeyDamaged},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				test.before(b)
				b.store(recordOf(t, 1, idOf(b.board)))
				w := b.begin(test.kind, job.Options{})
				b.must(w.runTo(stepRunning))
				b.board.PowerOff()
				hasCode(t, w.run(), test.code)
			})
		})
	}
}

// The firmware that comes up is that of the board of the job.
func TestAnotherBoardComesUp(t *testing.T) {
	other := dfu.Attachment{Vendor: duo.VendorID, Product: duo.ProductRun, Serial: otherID}
	onBench(t, usual, func(t *testing.T, b *bench) {
		w := b.begin(job.Diagnose, job.Options{})
		b.must(w.runTo(stepRunning))
		b.look = func(dfu.Attachment, bool) (dfu.Attachment, bool, error) { return other, true, nil }
		hasCode(t, w.run(), job.BoardChanged)
	})
}
