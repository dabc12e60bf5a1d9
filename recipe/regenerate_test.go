package recipe

import (
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// regenerated checks that a board has a key of its own making, which is saved.
func (b *bench) regenerated(w *walk, old string) {
	b.t.Helper()
	made, result := b.board.FirmwareFingerprint(), w.plan.Result()
	if made == "" || made == old || result.BoardFingerprint != made || result.RecordedFingerprint != made {
		b.t.Errorf("the board has key %.8q after %.8q, the job says %+v", made, old, result)
	}
	saved, err := b.Record(result.Record)
	if err != nil || saved.Info.Fingerprint != made || saved.Info.DeviceID != idOf(b.board) {
		b.t.Errorf("record %q holds key %.8q of board %q: %v", result.Record, saved.Info.Fingerprint, saved.Info.DeviceID, err)
	}
	if product(b.board) != duo.ProductRun {
		b.t.Errorf("the board is on the bus as %04x", product(b.board))
	}
}

// A board makes a new key whatever was in the place of the old one.
func TestRegenerate(t *testing.T) {
	r4, r5 := nameless, usual
	r5.Bootloader = virtualduo.BootloaderR5()
	for _, test := range []struct {
		name   string
		board  virtualduo.Config
		before func(b *bench)
	}{
		{"r6", usual, func(*bench) {}},
		{"r5", r5, func(*bench) {}},
		{"r4", r4, func(*bench) {}},
		{"zeroed", usual, func(b *bench) { b.zero() }},
		{"erased already", usual, func(b *bench) { b.intoDFU(); b.lose(duo.ResetBlob()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, test.board, func(t *testing.T, b *bench) {
				test.before(b)
				old := b.board.FirmwareFingerprint()
				w := b.begin(job.Regenerate, job.Options{})
				hasCode(t, w.run(), "")
				b.regenerated(w, old)
				if n := b.board.Counters().KeyGenerations; n != 1 {
					t.Errorf("the board made %d keys", n)
				}
			})
		})
	}
}

// Interrupted before any step, and with its power cut too, the job still ends
// with a key that is saved. // P3, P5
func TestRegenerateResumed(t *testing.T) {
	steps := []string{stepBackup, stepDecide, stepWrite, stepReadBack, stepLeave, stepKeyMade, stepEnterAgain, stepSaveNew, stepLeaveAgain, stepRunning}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				old := b.board.FirmwareFingerprint()
				w := b.begin(job.Regenerate, job.Options{})
				b.must(w.runTo(step))
				if step != stepRunning {
					_, err := w.do(w.index(step)) // and its outcome is not committed
					b.must(err)
				}
				w.crash()
				b.board.PowerOff()
				b.board.PowerOn()
				hasCode(t, w.resume(), "")
				b.regenerated(w, old)
			})
		})
	}
}

// The key of another board is never saved as this one's.
func TestRegenerateWithAnotherBoard(t *testing.T) {
	for name, config := range map[string]virtualduo.Config{"r6": usual, "r4": nameless} {
		t.Run(name, func(t *testing.T) {
			onBench(t, config, func(t *testing.T, b *bench) {
				w := b.begin(job.Regenerate, job.Options{})
				b.must(w.runTo(stepEnterAgain))
				saved := len(b.records)
				config.Seed = 2
				b.swap(config)
				b.must(b.board.InstallKey(keyOf(t, 2).Fixed().Reveal()))
				hasCode(t, w.run(), job.BoardChanged)
				if len(b.records) != saved {
					t.Errorf("a key was saved as that of board %s", b.records[saved].Info.DeviceID)
				}
			})
		})
	}
}

func TestRegenerateFails(t *testing.T) {
	onBench(t, nameless, func(t *testing.T, b *bench) { // nobody can tell the cloud
		b.intoDFU()
		hasCode(t, b.begin(job.Regenerate, job.Options{}).run(), job.NoDeviceID)
		if n := b.board.Counters().HostWrites; n != 0 {
			t.Errorf("%d blocks were written", n)
		}
	})
	onBench(t, usual, func(t *testing.T, b *bench) { // the board stays dark
		w := b.begin(job.Regenerate, job.Options{})
		b.must(w.runTo(stepKeyMade))
		b.board.PowerOff()
		hasCode(t, w.run(), job.NotRunning)
	})
	onBench(t, usual, func(t *testing.T, b *bench) { // somebody puts the old key back
		w := b.begin(job.Regenerate, job.Options{})
		b.must(w.runTo(stepSaveNew))
		b.must(b.board.InstallKey(keyOf(t, 1).Fixed().Reveal()))
		hasCode(t, w.run(), job.KeyNotMade)
	})
	onBench(t, usual, func(t *testing.T, b *bench) { // canceled in time
		w := b.begin(job.Regenerate, job.Options{})
		b.must(w.runTo(stepWrite))
		w.close(job.Canceled)
		time.Sleep(time.Minute)
		if b.board.FirmwareFingerprint() != keyOf(t, 1).Fingerprint() || product(b.board) != duo.ProductRun {
			t.Error("the board has not been left as it came")
		}
	})
}
