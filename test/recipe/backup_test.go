package recipe_test

import (
	"bytes"
	"testing"

	"duogateway/duo"
	"duogateway/job"
)

// A backup stores what is on the board, whatever it is, once. // P1, P5
func TestBackup(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		damage damage
		state  duo.PrivateKeyState
		stays  bool
	}{
		{"healthy", none, duo.PrivateKeyValid, false},
		{"zeroed", zeroed, duo.PrivateKeyZeroed, false},
		{"corrupt", corrupt, duo.PrivateKeyCorrupt, false},
		{"erased", erased, duo.PrivateKeyErased, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _ := running(t)
				test.damage(r)
				before := look(r)
				r.Start()
				first := do(r, job.Request{Kind: job.Backup}, "")
				second := do(r, job.Request{Kind: job.Backup}, "")
				if first.Result.Backup != second.Result.Backup {
					t.Error("the same state of the board has two names")
				}
				records, err := r.Store.AllRecords()
				r.Must(err)
				if len(records) != 1 || records[0].KeyState != string(test.state) || records[0].Job != first.ID {
					t.Fatalf("records %+v, want one of job %s with a key that is %s", records, first.ID, test.state)
				}
				record, err := r.Store.Record(first.Result.Backup)
				r.Must(err)
				if !bytes.Equal(record.Raw.Reveal(), before.flash[0x4000:0x10000]) {
					t.Error("the record is not the board's flash")
				}
				if !bytes.Equal(record.Block.Reveal(), before.area[duo.BlockOffset:duo.BlockOffset+duo.BlockLen]) {
					t.Error("the record's block is not the board's key area")
				}
				before.untouched(r)
				checkStays(r, test.stays)
			})
		})
	}
}
