package recipe_test

import (
	"testing"
	"testing/synctest"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
)

// A key of which enough is left is put together again: the same one, with no
// record of it in the store.
func TestRepairSalvages(t *testing.T) {
	for _, test := range []struct {
		name   string
		damage damage
	}{
		{"a hole in the key", func(r *rig.Rig) { r.Must(r.Board.DamageKey(150, 180)) }},
		{"zeroed, the other copy whole", func(r *rig.Rig) { r.Must(r.Board.ZeroKey()) }},
		{"erased while it ran, the other copy whole", wrote(duo.PrivateKeyOffset, duo.ResetBlob()...)},
		{"the same hole in both copies", func(r *rig.Rig) {
			field := r.Board.ApplicationDCT()[duo.PrivateKeyOffset:][:duo.PrivateKeyStored]
			clear(field[150:340])
			r.Lose(field)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, key := running(t)
				test.damage(r)
				r.Start()
				j := r.Do(job.Request{Kind: job.Repair})
				if j.Verdict != job.Pass {
					t.Fatalf("verdict %s, fault %+v", j.Verdict, j.Fault)
				}
				if got := r.Board.FirmwareFingerprint(); got != key.Fingerprint() || j.Result.BoardFingerprint != got {
					t.Errorf("the board has key %.8q, the job says %.8q, want %.8q", got, j.Result.BoardFingerprint, key.Fingerprint())
				}
				if j.Result.Record != "" {
					t.Errorf("the key of record %s was written", j.Result.Record)
				}
			})
		})
	}
}

// A key of which nothing is left in the current copy, with no record of it: the
// one that the board had before is better than none.
func TestRepairTakesThePreviousKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, key := running(t)
		// The current copy names no modulus that the other copy could belong to.
		r.Must(r.Board.WriteDCT(duo.PrivateKeyOffset, make([]byte, duo.PrivateKeyReserved+duo.PublicKeyReserved)))
		r.Start()
		j := r.Do(job.Request{Kind: job.Repair})
		if j.Verdict != job.Pass || r.Board.FirmwareFingerprint() != key.Fingerprint() {
			t.Errorf("verdict %s, fault %+v, key %.8q", j.Verdict, j.Fault, r.Board.FirmwareFingerprint())
		}
	})
}
