package recipe_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
)

func TestFactoryDCTKeepsWhatIsTheBoardsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, key := running(t)
		r.Must(r.Board.WriteDCT(duo.ServerAddressOffset, []byte("\x01\x07elsewhe")))
		r.Must(r.Board.WriteDCT(duo.ClaimCodeOffset, []byte("a claim code")))
		r.Start()
		j := r.Do(job.Request{Kind: job.FactoryDCT})
		if j.Verdict != job.Pass {
			t.Fatalf("verdict %s, fault %+v", j.Verdict, j.Fault)
		}
		if got := r.Board.FirmwareFingerprint(); got != key.Fingerprint() || j.Result.BoardFingerprint != got {
			t.Errorf("the board has key %.8q, want %.8q", got, key.Fingerprint())
		}
		area := r.Board.ApplicationDCT()
		address := duo.ParseServerAddress(area[duo.ServerAddressOffset:][:duo.ServerAddressReserved])
		if address.Host != duo.DefaultHost {
			t.Errorf("the server address is %+v", address)
		}
		if !bytes.HasPrefix(area[duo.ClaimCodeOffset:], []byte("a claim code")) {
			t.Error("the claim code is gone")
		}
		if n := r.Board.Counters().KeyGenerations; n != 0 {
			t.Errorf("the board has made %d keys", n)
		}
	})
}

func TestFactoryDCTForgetsKeysWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, key := running(t)
		r.Start()
		j := r.Do(job.Request{Kind: job.FactoryDCT, Options: job.Options{Forget: []string{job.ForgetKeys}}})
		if j.Verdict != job.Pass {
			t.Fatalf("verdict %s, fault %+v", j.Verdict, j.Fault)
		}
		if got := r.Board.FirmwareFingerprint(); got == "" || got == key.Fingerprint() {
			t.Errorf("the board has key %.8q, want a new one", got)
		}
	})
}

// A power cut at any moment leaves one sound copy; the next job ends well.
func TestFactoryDCTSurvivesAPowerCut(t *testing.T) {
	for _, after := range []int{1, 2, 500, 2000, 4000, 4090} {
		synctest.Test(t, func(t *testing.T) {
			r, key := running(t)
			r.Must(r.Board.WriteDCT(duo.ServerAddressOffset, []byte("\x01\x07elsewhe")))
			r.Start()
			cutAfter(r, after)
			first := r.Do(job.Request{Kind: job.FactoryDCT})
			if first.Verdict == job.Pass {
				t.Errorf("cut after %d operations: the job passed", after)
			}
			r.Board.PowerOn()
			r.AwaitRunning()
			if got := r.Board.FirmwareFingerprint(); got != key.Fingerprint() {
				t.Errorf("cut after %d operations: the board has key %.8q", after, got)
			}
			if j := r.Do(job.Request{Kind: job.FactoryDCT}); j.Verdict != job.Pass {
				t.Errorf("cut after %d operations: the next job has fault %+v", after, j.Fault)
			}
		})
	}
}

// cutAfter cuts the board's power at a flash operation from now on.
func cutAfter(r *rig.Rig, operations int) {
	start, cut := r.Board.Counters().FlashOps, false
	r.Board.OnFlashOp(func(n int) bool {
		now := !cut && n >= start+operations
		cut = cut || now
		return now
	})
}

// A board without any sound copy of its DCT gets all of it back from a record.
func TestFactoryDCTFromARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, key := kept(t)
		intoDFU(r, r.Board)
		for _, base := range duo.R6.SectorBases() {
			r.Must(r.Board.SetFlash(base, bytes.Repeat([]byte{0xA5}, duo.SectorSize)))
		}
		r.Start()
		records, err := r.Store.AllRecords()
		r.Must(err)
		j := r.Do(job.Request{Kind: job.FactoryDCT, Options: job.Options{Record: records[0].ID}})
		if j.Verdict != job.Pass {
			t.Fatalf("verdict %s, fault %+v", j.Verdict, j.Fault)
		}
		if got := r.Board.FirmwareFingerprint(); got != key.Fingerprint() {
			t.Errorf("the board has key %.8q, want %.8q", got, key.Fingerprint())
		}
	})
}
