package recipe

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/dfu"
	"duogateway/gpio"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// A port on which nothing is gets its minute, a gesture, another minute and
// another gesture.
func TestEnterWithoutABoard(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.board.PowerOff()
		began := time.Now()
		hasCode(t, b.begin(job.Repair, job.Options{}).run(), job.NoUSB)
		if took := time.Since(began); b.gestures != 2 || took < 2*restTime || took > 3*restTime {
			t.Errorf("%d gestures within %v", b.gestures, took)
		}
		if !slices.Contains(b.said, "no board on USB yet; it may be making a key") {
			t.Errorf("said %q", b.said)
		}
	})
}

// A board that was given power a moment ago, in a bay where nothing was on the
// bus for long, may be making a key or flashing its bootloader: no RESET then.
func TestEnterLeavesAFreshBoardAlone(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.board.PowerOff()
		b.must(b.board.WriteDCT(34, []byte{0xFF}))
		time.Sleep(10 * time.Minute)
		b.board.PowerOn()
		w := b.begin(job.Diagnose, job.Options{})
		_ = w.runTo(stepIdentify)
		if n := b.board.Counters().KeyGenerations; n != 1 {
			t.Error("the board was reset while it made its key")
		}
		hasCode(t, w.run(), "")
	})
}

// The gesture is tried twice when it failed, and once when it must not be
// repeated.
func TestEnterTriesTheGestureAgain(t *testing.T) {
	short := gpio.Result{Outcome: gpio.CutShort}
	missed := gpio.Result{Outcome: gpio.Completed} // and the board did not mind
	late := gpio.Result{Outcome: gpio.TooLate, SinceRise: 12 * time.Second}
	for _, test := range []struct {
		name     string
		endings  []gpio.Result
		gestures int
		code     job.Code
	}{
		{"the first fails", []gpio.Result{short}, 2, ""},
		{"the first is not minded", []gpio.Result{missed}, 2, ""},
		{"both fail", []gpio.Result{short, short}, 2, job.GestureFailed},
		{"both are not minded", []gpio.Result{missed, missed}, 2, job.GestureFailed},
		{"held too long", []gpio.Result{late}, 1, job.ResetPossible},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				b.endings = test.endings
				hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), test.code)
				if b.gestures != test.gestures {
					t.Errorf("%d gestures, want %d", b.gestures, test.gestures)
				}
				if n := b.board.Counters().HostWrites; n != 0 {
					t.Errorf("%d writes", n)
				}
			})
		})
	}
}

func TestEnterNeedsNoGestureInDFUMode(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.intoDFU()
		hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), "")
		if b.gestures != 0 {
			t.Errorf("%d gestures", b.gestures)
		}
	})
}

// Something else on the port is refused, before a gesture and after it.
func TestEnterRefusesWhatIsNoDuo(t *testing.T) {
	other := dfu.Attachment{Port: "1-1", Vendor: 0x0483, Product: 0xDF11}
	for _, after := range []int{0, 1} {
		onBench(t, usual, func(t *testing.T, b *bench) {
			b.board.PowerOff()
			b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
				if b.gestures >= after {
					return other, true, nil
				}
				return seen, present, nil
			}
			hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), job.WrongBoardType)
			if b.gestures != after {
				t.Errorf("%d gestures, want %d", b.gestures, after)
			}
		})
	}
}

// The errors of the lines have fault codes of their own.
func TestGestureFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			err  error
			code job.Code
		}{
			{gpio.ErrLinesBusy, job.LinesBusy},
			{gpio.ErrKeepsOutputs, job.KeepsOutputs},
			{gpio.ErrQuiet, job.ResetPossible},
			{gpio.ErrFactoryResetPossible, job.ResetPossible},
			{gpio.ErrGestureFailed, job.GestureFailed},
			{gpio.ErrLines, job.GestureFailed},
		} {
			b := &bench{t: t, board: virtualduo.New(usual), gestureError: test.err}
			b.restart()
			b.board.PowerOn()
			time.Sleep(time.Minute)
			hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), test.code)
			b.board.Close()
		}
	})
}
