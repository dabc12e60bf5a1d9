//go:build guest

package main

import (
	"context"
	"math/rand/v2"
	"time"

	"duogateway/duo"
)

// place is an address in a memory of the board.
type place struct {
	alt  uint8
	addr uint32
}

// The places of a Duo (redbear/firmware
// hal/src/duo/ota_module_bounds.c:4-11, hal/inc/dct.h:71-213).
var (
	flash    = place{duo.AltInternal, 0x08000000}
	dct      = place{duo.AltInternal, 0x08008000} // both sectors, on bootloaders from r5 on
	userPart = place{duo.AltInternal, 0x080C0000}
	keyBlock = place{duo.AltDCT, duo.BlockOffset}
)

const (
	dctSize   = 32 << 10
	flashSize = 1 << 20
	userSize  = 128 << 10
)

// trial is one piece of work, and how long it took us and them by round.
type trial struct {
	name string
	// ours and theirs do the work. What comes before and behind the work is not
	// measured: files are there, and what was read is compared.
	work func(ctx context.Context, ours host, theirs tool) (pair, error)

	ours, theirs []time.Duration
}

// pair is a piece of work for us and for them, and the check of both, once
// done.
type pair struct {
	ours, theirs func() error
	check        func() error
}

// measure does the work both ways. Who is first changes with the round.
func (t *trial) measure(ctx context.Context, ours host, theirs tool, round int) error {
	work, err := t.work(ctx, ours, theirs)
	if err != nil {
		return err
	}
	both := []struct {
		do   func() error
		took *[]time.Duration
	}{{work.ours, &t.ours}, {work.theirs, &t.theirs}}
	if round%2 == 1 {
		both[0], both[1] = both[1], both[0]
	}
	for _, one := range both {
		began := time.Now()
		if err := one.do(); err != nil {
			return err
		}
		if round > 0 {
			*one.took = append(*one.took, time.Since(began))
		}
	}
	return work.check()
}

func newTrials() []*trial {
	return []*trial{
		{name: "read 32 KiB", work: reading(dct, dctSize)},
		{name: "read 1 MiB", work: reading(flash, flashSize)},
		{name: "write 128 KiB", work: writing(false)},
		{name: "write 128 KiB and verify", work: writing(true)},
		{name: "back up, write key, verify", work: repairing},
	}
}

// reading reads a range.
func reading(from place, length int) func(context.Context, host, tool) (pair, error) {
	return func(ctx context.Context, ours host, theirs tool) (pair, error) {
		file, err := theirs.prepare("read", nil)
		var got []byte
		return pair{
			ours:   func() (err error) { got, err = ours.read(ctx, from, length); return err },
			theirs: func() error { return theirs.read(ctx, from, length, file) },
			check:  func() error { return same(file, got) },
		}, err
	}
}

// writing writes other bytes each time. The board is told apart from one that
// does nothing by reading them back.
func writing(verify bool) func(context.Context, host, tool) (pair, error) {
	return func(ctx context.Context, ours host, theirs tool) (pair, error) {
		data := noise(userSize)
		file, err := theirs.prepare("write", data)
		if err != nil {
			return pair{}, err
		}
		back, err := theirs.prepare("read", nil)
		if err != nil {
			return pair{}, err
		}
		work := pair{
			ours:   func() error { return ours.write(ctx, userPart, data) },
			theirs: func() error { return theirs.write(ctx, userPart, file) },
			check: func() error {
				if err := theirs.read(ctx, userPart, userSize, back); err != nil {
					return err
				}
				return same(back, data)
			},
		}
		if verify {
			work = pair{
				ours: func() error { return ours.program(ctx, userPart, data) },
				theirs: func() error {
					if err := theirs.write(ctx, userPart, file); err != nil {
						return err
					}
					if err := theirs.read(ctx, userPart, userSize, back); err != nil {
						return err
					}
					return theirs.compare(ctx, file, back)
				},
				check: func() error { return same(back, data) },
			}
		}
		return work, nil
	}
}

// repairing backs the DCT up, writes the block that holds the keys, and reads
// it back.
func repairing(ctx context.Context, ours host, theirs tool) (pair, error) {
	block := noise(duo.BlockLen)
	backup, err := theirs.prepare("backup", nil)
	if err != nil {
		return pair{}, err
	}
	back, err := theirs.prepare("read", nil)
	if err != nil {
		return pair{}, err
	}
	file, err := theirs.prepare("write", block)
	return pair{
		ours: func() error { _, err := ours.repair(ctx, dct, dctSize, keyBlock, block); return err },
		theirs: func() error {
			if err := theirs.read(ctx, dct, dctSize, backup); err != nil {
				return err
			}
			if err := theirs.write(ctx, keyBlock, file); err != nil {
				return err
			}
			if err := theirs.read(ctx, keyBlock, len(block), back); err != nil {
				return err
			}
			return theirs.compare(ctx, file, back)
		},
		check: func() error { return same(back, block) },
	}, err
}

// noise is bytes that were never there before.
func noise(length int) []byte {
	data := make([]byte, length)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	return data
}
