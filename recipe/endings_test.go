package recipe

import (
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/gpio"
	"duogateway/job"
)

// A gesture that may have reset the board is told by exactly one job: the one
// that made it, or the next one if that was canceled meanwhile. // P2
func TestFactoryResetIsToldOnce(t *testing.T) {
	late := gpio.Result{Outcome: gpio.TooLate, SinceRise: 12 * time.Second}
	for _, state := range []job.State{job.Failed, job.Canceled} {
		t.Run(string(state), func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				b.endings = []gpio.Result{late}
				w := b.begin(job.Diagnose, job.Options{})
				hasCode(t, w.next(), job.ResetPossible)
				w.close(state)
				if told := b.acknowledged > 0; told != (state == job.Failed) {
					t.Errorf("acknowledged %d times", b.acknowledged)
				}
				if state == job.Canceled {
					hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), job.ResetPossible)
				}
				hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), "")
			})
		})
	}
}

// What an earlier run of the daemon left at the lines is told by the next job.
// // P2
func TestHeard(t *testing.T) {
	for _, test := range []struct {
		result gpio.Result
		code   job.Code
		resets int
	}{
		{gpio.Result{Outcome: gpio.Idle}, "", 0},
		{gpio.Result{Outcome: gpio.CutShort}, "", 0},
		{gpio.Result{Outcome: gpio.CutShort, SafeMode: true, SinceRise: time.Second}, "", 0}, // the job's own gesture has ended it
		{gpio.Result{Outcome: gpio.TooLate, SinceRise: 20 * time.Second}, job.ResetPossible, 0},
	} {
		onBench(t, usual, func(t *testing.T, b *bench) {
			b.bay.Heard(test.result)
			hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), test.code)
			if b.resets != test.resets {
				t.Errorf("%+v: %d resets, want %d", test.result, b.resets, test.resets)
			}
		})
	}
}

// A board that a gesture left in safe mode gets one clean RESET when the job is
// over, unless it is in DFU mode.
func TestSafeModeIsEnded(t *testing.T) {
	safe := gpio.Result{Outcome: gpio.CutShort, SafeMode: true, SinceRise: 2 * time.Second}
	for _, test := range []struct {
		name   string
		before func(b *bench)
		resets int
	}{
		{"running", func(*bench) {}, 1},
		{"not on the bus", func(b *bench) { b.board.PowerOff() }, 1},
		{"in DFU mode", func(b *bench) {
			b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
				if b.gestures == gestureTries {
					seen.Product = 0xD058
				}
				return seen, present, nil
			}
		}, 0},
		{"the bus fails", func(b *bench) {
			b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
				if b.gestures == gestureTries {
					return seen, false, job.Failf(job.USBFailed, "the bus is gone")
				}
				return seen, present, nil
			}
		}, 0},
		{"RESET fails", func(b *bench) { b.resetError = gpio.ErrLines }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				b.endings = []gpio.Result{safe, safe}
				test.before(b)
				hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), job.GestureFailed)
				if b.resets != test.resets {
					t.Errorf("%d resets, want %d", b.resets, test.resets)
				}
			})
		})
	}
}
