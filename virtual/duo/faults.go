package virtualduo

import (
	"fmt"
	"math/rand/v2"
)

// Faults are what is wrong with a board. Each field is a switch of its own;
// the zero value is a sound board. The same faults on the same board at the
// same moment do the same.
type Faults struct {
	// Seed decides all that is left to chance.
	Seed uint64 `json:"seed,omitempty"`

	// PowerCutAfter takes the power away in the middle of the flash operation
	// after that many more; once.
	PowerCutAfter int `json:"power_cut_after,omitempty"`
	// UnplugAfter takes USB and power away in the middle of the control
	// transfer with that number from now on, at a random moment of it; once.
	UnplugAfter int `json:"unplug_after,omitempty"`
	// BrownOut lets the supply sag while a private key is programmed: a few
	// words take some bits only, then the processor resets; once.
	BrownOut bool `json:"brown_out,omitempty"`
	// RottenBits flips that many bits of DCT copy RottenCopy, 0 or 1, at once.
	RottenBits int `json:"rotten_bits,omitempty"`
	RottenCopy int `json:"rotten_copy,omitempty"`

	// StallStatus is the chance, from 0 to 1, that a GETSTATUS stalls without
	// having done anything; a pending operation stays pending.
	StallStatus float64 `json:"stall_status,omitempty"`
	// LoseWrites is the chance that a data block is reported as written and
	// nothing has changed.
	LoseWrites float64 `json:"lose_writes,omitempty"`
	// ZeroReads is the chance that an upload shows zeros.
	ZeroReads float64 `json:"zero_reads,omitempty"`

	// Silent keeps the board off the bus, whatever it does.
	Silent bool `json:"silent,omitempty"`
	// Reset and Setup hold a line at a level, whoever drives it.
	Reset Stuck `json:"reset,omitempty"`
	Setup Stuck `json:"setup,omitempty"`
	// Serial is shown as the serial number in place of the board's own, from
	// the next enumeration on.
	Serial string `json:"serial,omitempty"`
	// Photon makes it show itself as a Photon in every mode, from the next
	// enumeration on. Its memories stay those of a Duo.
	Photon bool `json:"photon,omitempty"`
}

// Stuck is a level that a line never leaves; empty for a free line.
type Stuck string

// The levels.
const (
	StuckLow  Stuck = "low"
	StuckHigh Stuck = "high"
)

func (s Stuck) level(drivenLow bool) (low bool) {
	if s == "" {
		return drivenLow
	}
	return s == StuckLow
}

// faultState is the faults in force and what they have left to do.
type faultState struct {
	Faults
	random *rand.Rand
	// cutAt is the number of the flash operation to fail, unplugAt that of
	// the control transfer; 0 for none.
	cutAt, unplugAt int
	transfers       int
}

// SetFaults replaces the faults. What happens once is armed again, and bits
// rot again.
func (b *Board) SetFaults(faults Faults) error {
	if err := faults.check(); err != nil {
		return err
	}
	b.lock()
	defer b.unlock()
	b.settle()
	random := rand.New(rand.NewPCG(faults.Seed, 0))
	b.faults = faultState{Faults: faults, random: random}
	if faults.PowerCutAfter > 0 {
		b.faults.cutAt = b.counters.FlashOps + faults.PowerCutAfter + 1
	}
	b.faults.unplugAt = faults.UnplugAfter
	b.rot()
	b.settleLines()
	b.settleBus()
	return nil
}

func (f Faults) check() error {
	for _, chance := range []float64{f.StallStatus, f.LoseWrites, f.ZeroReads} {
		if !(chance >= 0 && chance <= 1) {
			return fmt.Errorf("a chance of %v is not between 0 and 1", chance)
		}
	}
	for _, stuck := range []Stuck{f.Reset, f.Setup} {
		if stuck != "" && stuck != StuckLow && stuck != StuckHigh {
			return fmt.Errorf("a line cannot be stuck at %q, only at %q or %q", stuck, StuckLow, StuckHigh)
		}
	}
	if f.RottenCopy < 0 || f.RottenCopy > 1 {
		return fmt.Errorf("there is no DCT copy %d, only 0 and 1", f.RottenCopy)
	}
	if f.PowerCutAfter < 0 || f.UnplugAfter < 0 || f.RottenBits < 0 {
		return fmt.Errorf("a fault after %d operations, after %d transfers, of %d bits: a count is negative",
			f.PowerCutAfter, f.UnplugAfter, f.RottenBits)
	}
	return nil
}

// strikes rolls the dice for a chance.
func (b *Board) strikes(chance float64, what string) bool {
	if chance == 0 || b.faults.random.Float64() >= chance {
		return false
	}
	b.tell(Event{What: Faulted, Detail: what})
	return true
}

// rot flips bits of a DCT copy, header, version block and all.
func (b *Board) rot() {
	at := b.loaderStore().offset(b.faults.RottenCopy)
	for range b.faults.RottenBits {
		bit := b.faults.random.IntN(CopySize * 8)
		b.internal[at+bit/8] ^= 1 << (bit % 8)
	}
	if b.faults.RottenBits > 0 {
		b.tell(Event{What: Faulted, Detail: fmt.Sprintf("%d bits of DCT copy %d have changed", b.faults.RottenBits, b.faults.RottenCopy+1)})
	}
}
