package recipe

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/gpio"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// fakeConsole is the serial port of the board on a bench.
type fakeConsole struct {
	*bench
	asked int
	ports []string

	// instead is done in place of asking, and during may happen beside it.
	instead func() error
	during  func()
}

// withConsole gives the station of a bench serial ports.
func withConsole(b *bench) *fakeConsole {
	c := &fakeConsole{bench: b}
	b.console = c
	b.restart()
	return c
}

func (c *fakeConsole) EnterDFU(ctx context.Context, port string) error {
	c.asked++
	c.ports = append(c.ports, port)
	if c.instead != nil {
		return c.instead()
	}
	handle, err := c.board.Open()
	if err != nil {
		return err
	}
	coding := binary.LittleEndian.AppendUint32(nil, 14400)
	_, err = handle.Control(ctx, 0x21, 0x20, 0, 0, append(coding, 0, 0, 8))
	if c.during != nil {
		c.during()
	}
	return errors.Join(err, handle.Close())
}

// details are what the steps of a walk told, by their names.
func details(w *walk) (all []string) {
	for _, name := range []string{stepEnter, stepIdentify} {
		out, err := w.do(w.index(name))
		w.must(err)
		all = append(all, out.Detail)
	}
	return all
}

// A board that runs is asked, whatever its bootloader: no line is touched, and
// its id is known as it is after a gesture.
func TestFirmwareIsAsked(t *testing.T) {
	for _, loader := range []*virtualduo.Bootloader{
		virtualduo.BootloaderR3(), virtualduo.BootloaderR4(), virtualduo.BootloaderR5(), virtualduo.BootloaderR6(),
	} {
		t.Run(loader.Name, func(t *testing.T) {
			config := usual
			config.Bootloader = loader
			onBench(t, config, func(t *testing.T, b *bench) {
				console := withConsole(b)
				b.zero()
				b.store(recordOf(t, 1, idOf(b.board)))
				hasCode(t, b.begin(job.Repair, job.Options{}).run(), "")
				if b.gestures+b.resets != 0 || console.asked != 1 || console.ports[0] != "1-1" {
					t.Errorf("%d gestures, %d resets, asked on %q", b.gestures, b.resets, console.ports)
				}
				if b.board.FirmwareFingerprint() != keyOf(t, 1).Fingerprint() || product(b.board) != 0xC058 {
					t.Errorf("key %q, product %04x", b.board.FirmwareFingerprint(), product(b.board))
				}
				if last := b.records[len(b.records)-1]; last.Info.DeviceID != idOf(b.board) {
					t.Errorf("the backup is of board %q", last.Info.DeviceID)
				}
			})
		})
	}
}

// Firmware that cannot be asked, or does not mind, is asked once; then it is the
// gesture.
func TestFirmwareIsAskedInVain(t *testing.T) {
	for _, test := range []struct {
		name    string
		instead func(b *bench) error
		detail  string
		waits   time.Duration
	}{
		{"the port is busy", func(*bench) error { return errors.New("another program has it") }, "another program has it", 0},
		{"it hangs", func(*bench) error { return nil }, "the board runs its firmware instead", askTime},
		{"it restarts", func(b *bench) error {
			b.board.PowerOff()
			b.board.PowerOn()
			return nil
		}, "the board runs its firmware instead", askTime},
		{"it makes a key", func(b *bench) error {
			b.board.PowerOff()
			b.must(b.board.WriteDCT(34, []byte{0xFF}))
			b.board.PowerOn()
			return nil
		}, "nothing came up on the port within 5s", 8 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				console := withConsole(b)
				console.instead = func() error { return test.instead(b) }
				w := b.begin(job.Diagnose, job.Options{})
				began := time.Now()
				detail := details(w)[0]
				if want := "by RESET and SETUP; its firmware was asked in vain: "; !strings.HasPrefix(detail, want) || !strings.Contains(detail, test.detail) {
					t.Errorf("it tells %q", detail)
				}
				waited := time.Since(began) - b.hold
				if b.gestures != 1 || console.asked != 1 || waited < test.waits || waited > test.waits+3*time.Second {
					t.Errorf("asked %d times, %d gestures after %v", console.asked, b.gestures, waited)
				}
				if n := b.board.Counters(); strings.Contains(test.name, "key") && n.KeyGenerations != 1 {
					t.Errorf("the board was reset while it made a key: %+v", n)
				}
				w.close(job.Failed)
			})
		})
	}
}

// A board that has left after it was asked, and does not come back, gets its
// minute before a RESET.
func TestAskedBoardGetsItsRest(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		console := withConsole(b)
		console.instead = func() error {
			b.board.PowerOff()
			return nil
		}
		var left time.Time
		b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
			switch {
			case present:
				left = time.Now()
			case b.gestures == 1 && time.Since(left) < restTime:
				t.Errorf("RESET %v after the board left", time.Since(left))
			}
			return seen, present, nil
		}
		hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), job.NoUSB)
		if b.gestures != gestureTries || console.asked != 1 {
			t.Errorf("asked %d times, %d gestures", console.asked, b.gestures)
		}
	})
}

// What is in DFU mode too late to be sure, and does not tell its id, is not
// taken for the board that was asked. // P1
func TestBoardIsSwappedWhenAsked(t *testing.T) {
	other := nameless
	other.Seed = 2
	for _, test := range []struct {
		name string
		swap func(b *bench)
		code job.Code
	}{
		{"in DFU mode, while it is asked", func(b *bench) { b.swap(other) }, job.BoardChanged},
		{"not on the bus, before the gesture", func(b *bench) {
			b.swap(other)
			b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
				return seen, present && b.gestures > 0, nil
			}
		}, job.BoardChanged},
		{"running", func(b *bench) {
			b.swap(other)
			b.board.PowerOff()
			b.board.PowerOn()
			time.Sleep(5 * time.Second)
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, nameless, func(t *testing.T, b *bench) {
				first := idOf(b.board)
				console := withConsole(b)
				console.instead = func() error {
					test.swap(b)
					return nil
				}
				hasCode(t, b.begin(job.Backup, job.Options{}).run(), test.code)
				if n := b.board.Counters().HostWrites; n != 0 {
					t.Errorf("%d blocks were written", n)
				}
				for _, r := range b.records {
					if r.Info.DeviceID == first {
						t.Error("the other board was saved as the first one")
					}
				}
				if saved := len(b.records) > 0; saved != (test.code == "") {
					t.Errorf("saved: %v", saved)
				}
			})
		})
	}
}

// A board that told its id, and is not there any more at the time of the
// gesture, has left its place to nobody. // P1
func TestBoardIsSwappedBetweenGestures(t *testing.T) {
	other := nameless
	other.Seed = 2
	onBench(t, nameless, func(t *testing.T, b *bench) {
		b.endings = []gpio.Result{{Outcome: gpio.CutShort}}
		swapped := false
		b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
			if b.gestures == 1 && !swapped {
				swapped = true
				b.swap(other)
			}
			return seen, present && b.gestures != 1, nil
		}
		hasCode(t, b.begin(job.Backup, job.Options{}).run(), job.BoardChanged)
		if b.gestures != 2 || len(b.records) != 0 {
			t.Errorf("%d gestures, %d records", b.gestures, len(b.records))
		}
	})
}

// A job that is stopped while it asks makes no gesture, and starts a board again
// that goes into DFU mode.
func TestAskingIsStopped(t *testing.T) {
	for name, arrange := range map[string]func(c *fakeConsole, cancel context.CancelFunc){
		"before": func(c *fakeConsole, cancel context.CancelFunc) {
			c.instead = func() error {
				cancel()
				return context.Canceled
			}
		},
		"behind": func(c *fakeConsole, cancel context.CancelFunc) { c.during = cancel },
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				ctx, cancel := context.WithCancel(t.Context())
				arrange(withConsole(b), cancel)
				w := b.begin(job.Diagnose, job.Options{})
				if _, err := w.plan.Steps[0].Do(ctx, func(string, int, int) {}); !errors.Is(err, context.Canceled) {
					t.Errorf("stopped with %v", err)
				}
				w.close(job.Canceled)
				time.Sleep(10 * time.Second)
				if b.gestures != 0 || product(b.board) != 0xC058 {
					t.Errorf("%d gestures, product %04x", b.gestures, product(b.board))
				}
			})
		})
	}
}

// What an earlier gesture left behind is told before anything is asked, and a
// board in safe mode has left it once it is in DFU mode. // P2
func TestAskingAfterAnEarlierGesture(t *testing.T) {
	for _, test := range []struct {
		result gpio.Result
		asked  int
		code   job.Code
	}{
		{gpio.Result{Outcome: gpio.TooLate, SinceRise: 20 * time.Second}, 0, job.ResetPossible},
		{gpio.Result{Outcome: gpio.CutShort, SafeMode: true, SinceRise: 2 * time.Second}, 1, ""},
	} {
		onBench(t, usual, func(t *testing.T, b *bench) {
			console := withConsole(b)
			b.bay.Heard(test.result)
			hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), test.code)
			if console.asked != test.asked || b.gestures+b.resets != 0 {
				t.Errorf("%s: asked %d times, %d gestures, %d resets", test.result.Outcome, console.asked, b.gestures, b.resets)
			}
		})
	}
}

// A job that enters DFU mode twice asks twice.
func TestFirmwareIsAskedAgain(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		console := withConsole(b)
		w := b.begin(job.Regenerate, job.Options{})
		hasCode(t, w.run(), "")
		if console.asked != 2 || b.gestures != 0 || !slices.Contains(w.done, stepEnterAgain) {
			t.Errorf("asked %d times, %d gestures, steps %v", console.asked, b.gestures, w.done)
		}
	})
}
