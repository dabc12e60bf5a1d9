package recipe_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
)

// A board without system firmware is given its key by the sectors themselves,
// if the job asks for it: then it is written, stays in DFU mode, and the job
// says why.
func TestRepairPastADeadBootloader(t *testing.T) {
	for _, raw := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r, key := kept(t)
			zeroed(r)
			r.Must(r.Board.SetFlash(duo.AddrPart2, bytes.Repeat([]byte{0xFF}, 4096)))
			intoDFU(r, r.Board)
			before := r.Board.Flash()
			r.Start()
			j := r.Do(job.Request{Kind: job.Repair, Options: job.Options{Raw: raw}})
			if j.Verdict != job.Fail || j.Fault == nil || j.Fault.Code != job.SystemParts {
				t.Fatalf("raw %v: verdict %s, fault %+v", raw, j.Verdict, j.Fault)
			}
			if product(r.Board) != duo.ProductDFU {
				t.Errorf("raw %v: the board is not in DFU mode", raw)
			}
			if !raw {
				if !bytes.Equal(before, r.Board.Flash()) {
					t.Error("the board was written though nobody asked for it")
				}
				return
			}
			if got := keyInSectors(r); got != key.Fingerprint() {
				t.Errorf("the sectors hold key %.8q, want %.8q", got, key.Fingerprint())
			}
		})
	}
}

// keyInSectors is the key of the current copy, by the station's opinion: the
// board has no engine that could tell.
func keyInSectors(r *rig.Rig) string {
	r.T.Helper()
	start := duo.RawStart - duo.InternalStart
	sectors, err := duo.ParseRaw(r.Board.Flash()[start:start+uint32(duo.RawSize)], duo.R6)
	r.Must(err)
	return duo.DiagnoseSectors(sectors, duo.EngineNew, duo.RawSize).PrivateKey.Fingerprint
}
