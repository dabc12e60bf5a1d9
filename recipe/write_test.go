package recipe

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// broken is a board with a zeroed key and a record of the right one.
func broken(t *testing.T, config virtualduo.Config, scenario func(t *testing.T, b *bench)) {
	t.Helper()
	onBench(t, config, func(t *testing.T, b *bench) {
		b.zero()
		b.store(recordOf(t, 1, idOf(b.board)))
		scenario(t, b)
	})
}

// repairs checks that a repair passes and puts the right key on the board.
func (b *bench) repairs() {
	b.t.Helper()
	hasCode(b.t, b.begin(job.Repair, job.Options{}).run(), "")
	if b.board.FirmwareFingerprint() != keyOf(b.t, 1).Fingerprint() {
		b.t.Error("the right key is not on the board")
	}
}

// Every bootloader is written in its own place, by its own engine.
func TestRepairOfEachGeneration(t *testing.T) {
	for _, loader := range []*virtualduo.Bootloader{virtualduo.BootloaderR3(), virtualduo.BootloaderR4(), virtualduo.BootloaderR5(), virtualduo.BootloaderR6()} {
		t.Run(loader.Name, func(t *testing.T) {
			broken(t, virtualduo.Config{Bootloader: loader, Seed: 1, FactoryImage: true, WiFi: true}, func(t *testing.T, b *bench) {
				b.repairs()
				if product(b.board) != duo.ProductRun || b.board.Counters().HostWrites != 1 {
					t.Errorf("product %04x, %d writes", product(b.board), b.board.Counters().HostWrites)
				}
			})
		})
	}
}

// What is written wrong is written again, once, and a board that cannot keep
// what is written stays in DFU mode.
func TestReadBack(t *testing.T) {
	for _, test := range []struct {
		name   string
		spoils int // so many writes go wrong
		writes int
		code   job.Code
		want   uint16
	}{
		{"once", 1, 2, "", duo.ProductRun},
		{"twice", 2, 2, job.WriteNotVerified, duo.ProductDFU},
	} {
		t.Run(test.name, func(t *testing.T) {
			broken(t, usual, func(t *testing.T, b *bench) {
				writes := 0
				b.open = func(transport dfu.Transport) dfu.Transport {
					return &tamper{Transport: transport, download: func(alt uint8, _ uint32, data []byte) error {
						if writes++; writes <= test.spoils {
							data[200] ^= 1
						}
						return nil
					}}
				}
				w := b.begin(job.Repair, job.Options{})
				hasCode(t, w.run(), test.code)
				time.Sleep(time.Minute)
				if writes != test.writes || product(b.board) != test.want {
					t.Errorf("%d writes, product %04x", writes, product(b.board))
				}
				b.open = nil
				b.repairs()
			})
		})
	}
}

// A write that spoils what is beside the block is seen, and so is one that
// leaves no copy sound.
func TestReadBackSeesTheWholeArea(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(b *bench)
		says  string
	}{
		{"beside the block", func(b *bench) { b.must(b.board.WriteDCT(duo.DeviceIDOffset+100, []byte{1, 2, 3})) }, "offset 3718"},
		{"no copy", func(b *bench) { b.must(b.board.SetFlash(0x08008000, bytes.Repeat([]byte{0x55}, 2*duo.SectorSize))) }, "no copy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			broken(t, usual, func(t *testing.T, b *bench) {
				w := b.begin(job.Repair, job.Options{})
				b.must(w.runTo(stepReadBack))
				test.spoil(b)
				b.must(w.next())
				if w.step != stepWrite {
					t.Fatalf("the next step is %s", w.step)
				}
				w.step = stepReadBack // the second write is as bad
				w.plan.Memory.(*memory).Attempts = writeTries
				err := w.run()
				hasCode(t, err, job.WriteNotVerified)
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%v does not say %q", err, test.says)
				}
			})
		})
	}
}

// The power of the board fails at any moment of the write: it has the old key
// or the new one then, and the next repair passes. // P1
func TestPowerCutInTheWrite(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	operations := opsOfARepair(t)
	cuts := []int{1, 2, operations - 2, operations - 1, operations}
	for range 12 {
		cuts = append(cuts, 1+random.IntN(operations))
	}
	for _, cut := range cuts {
		broken(t, usual, func(t *testing.T, b *bench) {
			before := b.board.ApplicationDCT()
			first := b.board.Counters().FlashOps
			b.board.OnFlashOp(func(n int) bool { return n == first+cut })
			hasCode(t, b.begin(job.Repair, job.Options{}).run(), job.BoardLeft)
			b.board.OnFlashOp(nil)
			if b.board.Counters().PowerCuts != 1 {
				t.Fatalf("cut %d of %d: the power was not cut", cut, operations)
			}
			restored := b.board.FirmwareFingerprint() == keyOf(t, 1).Fingerprint()
			if old := bytes.Equal(b.board.ApplicationDCT(), before); old == restored {
				t.Errorf("cut %d of %d: neither the old key nor the new one", cut, operations)
			}
			b.board.PowerOn()
			b.repairs()
		})
	}
}

func opsOfARepair(t *testing.T) (operations int) {
	broken(t, usual, func(_ *testing.T, b *bench) {
		first := b.board.Counters().FlashOps
		w := b.begin(job.Repair, job.Options{})
		b.must(w.runTo(stepReadBack))
		operations = b.board.Counters().FlashOps - first
		w.close(job.Failed)
	})
	return operations
}

// On the old engine a cut may spoil the current copy: the backup, and the
// resumed job, mend that. // P1
func TestPowerCutOnTheOldEngine(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	config := virtualduo.Config{Bootloader: virtualduo.BootloaderR5(), Seed: 1, FactoryImage: true, WiFi: true}
	for range 6 {
		cut := 1 + random.IntN(3000)
		broken(t, config, func(t *testing.T, b *bench) {
			w := b.begin(job.Repair, job.Options{})
			b.must(w.runTo(stepWrite))
			first := b.board.Counters().FlashOps
			b.board.OnFlashOp(func(n int) bool { return n == first+cut })
			if err := w.next(); err == nil && b.board.Counters().PowerCuts > 0 {
				t.Errorf("cut %d: the write has passed", cut)
			}
			b.board.OnFlashOp(nil)
			w.crash() // the station had the same supply
			b.board.PowerOn()
			time.Sleep(5 * time.Second)
			hasCode(t, w.resume(), "")
			if b.board.FirmwareFingerprint() != keyOf(t, 1).Fingerprint() {
				t.Errorf("cut %d: the right key is not on the board", cut)
			}
		})
	}
}

// A transfer may fail at any point: the job says whose fault it was, and
// nothing that was not read whole is decided on.
func TestTransfersFail(t *testing.T) {
	stall, gone := fault{stalled: true}, fault{gone: true}
	for _, test := range []struct {
		name     string
		upload   func(alt uint8, address uint32) error
		download error
		code     job.Code
	}{
		{"the version is refused", func(alt uint8, at uint32) error { return when(at == duo.VersionAddrBootloader, stall) }, nil, job.USBRefused},
		{"part 2's version is refused", func(alt uint8, at uint32) error { return when(at == duo.VersionAddrPart2, stall) }, nil, job.USBRefused},
		{"the sectors are refused", func(alt uint8, at uint32) error { return when(at == duo.RawStart+blockSize, stall) }, nil, job.USBRefused},
		{"gone while the sectors are read", func(alt uint8, at uint32) error { return when(at == duo.RawStart+blockSize, gone) }, nil, job.BoardLeft},
		{"the DCT is refused", func(alt uint8, at uint32) error { return when(alt == duo.AltDCT, stall) }, nil, job.USBRefused},
		{"the write is refused", nil, stall, job.USBRefused},
		{"gone while it is written", nil, gone, job.BoardLeft},
	} {
		t.Run(test.name, func(t *testing.T) {
			broken(t, usual, func(t *testing.T, b *bench) {
				b.open = func(transport dfu.Transport) dfu.Transport {
					return &tamper{Transport: transport,
						upload: func(alt uint8, address uint32, _ []byte) error {
							if test.upload == nil {
								return nil
							}
							return test.upload(alt, address)
						},
						download: func(uint8, uint32, []byte) error { return test.download },
					}
				}
				hasCode(t, b.begin(job.Repair, job.Options{}).run(), test.code)
				if n := b.board.Counters().HostWrites; n != 0 {
					t.Errorf("%d blocks were written", n)
				}
				b.open = nil
				b.repairs()
			})
		})
	}
}

func when(now bool, err error) error {
	if now {
		return err
	}
	return nil
}

// A board that never answers a transfer is at fault, not the gateway.
func TestHungTransfer(t *testing.T) {
	broken(t, usual, func(t *testing.T, b *bench) {
		b.open = func(transport dfu.Transport) dfu.Transport { return hung{transport} }
		hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), job.USBRefused)
	})
}

// hung is a transport that never ends an upload.
type hung struct{ dfu.Transport }

func (h hung) Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	if request == reqUpload && value >= firstBlock {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return h.Transport.Control(ctx, requestType, request, value, index, data)
}

// A bootloader that nobody knows is left alone.
func TestUnknownBootloader(t *testing.T) {
	broken(t, usual, func(t *testing.T, b *bench) {
		b.open = func(transport dfu.Transport) dfu.Transport {
			return &tamper{Transport: transport, upload: func(_ uint8, address uint32, data []byte) error {
				if address == duo.VersionAddrBootloader {
					data[0] = 7
				}
				return nil
			}}
		}
		hasCode(t, b.begin(job.Repair, job.Options{}).run(), job.UnknownBootloader)
		if len(b.records) != 1 || b.board.Counters().HostWrites != 0 {
			t.Error("something was saved or written")
		}
		time.Sleep(10 * time.Second)
		if product(b.board) != duo.ProductRun {
			t.Error("the board does not run again")
		}
	})
}

// Without its system parts r6 cannot write the DCT, whether they are gone or
// only damaged: nothing is written.
func TestSystemPartsMissing(t *testing.T) {
	erased := bytes.Repeat([]byte{0xFF}, 4096)
	for name, damage := range map[string]func(b *bench){
		"part 2 erased":  func(b *bench) { b.must(b.board.SetFlash(0x08040000, erased)) },
		"part 2 damaged": func(b *bench) { b.must(b.board.SetFlash(0x08041000, []byte{1, 2, 3, 4})) },
		"part 1 damaged": func(b *bench) { b.must(b.board.SetFlash(0x08021000, []byte{1, 2, 3, 4})) },
	} {
		t.Run(name, func(t *testing.T) {
			broken(t, usual, func(t *testing.T, b *bench) {
				damage(b)
				hasCode(t, b.begin(job.Repair, job.Options{}).run(), job.SystemParts)
				if n := b.board.Counters().HostWrites; n != 0 {
					t.Errorf("%d blocks were written", n)
				}
				if !slices.ContainsFunc(b.records, func(r job.KeyRecord) bool { return r.Info.Job == "the-job" }) {
					t.Error("the board was not saved")
				}
			})
		})
	}
}

// A board that finds neither copy of its DCT begins a new one at its next
// reset. It gets its key back into that one.
func TestBothCopiesInvalid(t *testing.T) {
	broken(t, usual, func(t *testing.T, b *bench) {
		b.must(b.board.SetFlash(0x08008000, bytes.Repeat([]byte{0x55}, 2*duo.SectorSize)))
		b.hold = 4500 * time.Millisecond // it looks at SETUP only behind two erases
		b.repairs()
		if n := b.board.Counters(); n.DCTDefaults != 1 || n.HostWrites != 1 || n.KeyGenerations != 0 {
			t.Errorf("counters %+v", n)
		}
	})
	// With the usual gesture it starts, and makes a key: the job tells which.
	broken(t, usual, func(t *testing.T, b *bench) {
		b.must(b.board.SetFlash(0x08008000, bytes.Repeat([]byte{0x55}, 2*duo.SectorSize)))
		w := b.begin(job.Repair, job.Options{})
		hasCode(t, w.run(), "")
		if got := w.plan.Result().BoardFingerprint; got != b.board.FirmwareFingerprint() || b.gestures != 2 {
			t.Errorf("key %q, %d gestures", got, b.gestures)
		}
	})
	// A board in DFU mode has not looked yet: nothing is written.
	broken(t, usual, func(t *testing.T, b *bench) {
		b.intoDFU()
		b.must(b.board.SetFlash(0x08008000, bytes.Repeat([]byte{0x55}, 2*duo.SectorSize)))
		hasCode(t, b.begin(job.Repair, job.Options{}).run(), job.DCTUnreadable)
		if n := b.board.Counters(); n.DCTDefaults != 0 || n.HostWrites != 0 {
			t.Errorf("counters %+v", n)
		}
	})
}
