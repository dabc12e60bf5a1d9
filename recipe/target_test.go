package recipe

import (
	"bytes"
	"testing"

	"duogateway/duo"
	"duogateway/job"
)

// Who puts the target together clears it again. The board's own block must
// outlive that, also when nothing in it was to be changed.
func TestTargetIsACopy(t *testing.T) {
	sector := duo.FactorySector().Reveal()
	raw := bytes.Repeat([]byte{0xFF}, duo.RawSize)
	copy(raw[duo.R6.SectorBases()[0]-duo.RawStart:], sector)
	d, err := parse(raw, versions{Bootloader: duo.R6, Part2: 11})
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{dump: d, job: job.Job{}}
	before := bytes.Clone(d.block.Reveal())
	target, err := v.target()
	if err != nil || !bytes.Equal(target.Reveal(), before) {
		t.Fatalf("the target is not the board's own block: %v", err)
	}
	target.Clear()
	if !bytes.Equal(d.block.Reveal(), before) {
		t.Error("the board's own block is gone with the target")
	}
}
