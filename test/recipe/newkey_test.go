package recipe_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

func TestRegenerate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rig.New(t, virtualduo.Config{Seed: 3, FactoryImage: true, WiFi: true})
		old := r.Commission()
		r.Start()

		j := r.Do(job.Request{Kind: job.Regenerate})
		if j.Verdict != job.Pass {
			t.Fatalf("verdict %s, fault %+v", j.Verdict, j.Fault)
		}
		made := r.Board.FirmwareFingerprint()
		if made == "" || made == old.Fingerprint() || made != j.Result.RecordedFingerprint {
			t.Errorf("the board has key %.8q, the old one was %.8q, the job recorded %.8q", made, old.Fingerprint(), j.Result.RecordedFingerprint)
		}
		if n := r.Board.Counters().KeyGenerations; n != 1 {
			t.Errorf("the board has made %d keys", n)
		}
		for record, fingerprint := range map[string]string{j.Result.Backup: old.Fingerprint(), j.Result.Record: made} {
			saved, err := r.Store.Record(record)
			r.Must(err)
			if saved.Info.Fingerprint != fingerprint {
				t.Errorf("record %s holds key %.8q, want %.8q", record, saved.Info.Fingerprint, fingerprint)
			}
		}

		back := r.Do(job.Request{Kind: job.Restore, Options: job.Options{Record: j.Result.Backup}})
		if back.Verdict != job.Pass || r.Board.FirmwareFingerprint() != old.Fingerprint() {
			t.Errorf("the old key cannot be restored: %+v", back.Fault)
		}
	})
}

func TestServerKeyOfAnotherServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rig.New(t, virtualduo.Config{Seed: 4, FactoryImage: true, WiFi: true})
		key := r.Commission()
		r.Start()
		before := r.Board.ApplicationDCT()

		j := r.Do(job.Request{Kind: job.ServerKey, Options: job.Options{ServerHost: "10.0.0.7", ServerPort: 5684}})
		if j.Verdict != job.Pass {
			t.Fatalf("verdict %s, fault %+v", j.Verdict, j.Fault)
		}
		after := r.Board.ApplicationDCT()
		address := duo.ParseServerAddress(after[duo.ServerAddressOffset : duo.ServerAddressOffset+duo.ServerAddressReserved])
		if address.Host != "10.0.0.7" || address.Port != 5684 {
			t.Errorf("the address is %+v", address)
		}
		copy(after[duo.ServerAddressOffset:], before[duo.ServerAddressOffset:][:duo.ServerAddressReserved])
		if !bytes.Equal(before, after) {
			t.Error("more than the server address has changed")
		}
		if r.Board.FirmwareFingerprint() != key.Fingerprint() {
			t.Error("the board's key has changed")
		}
		if j := r.Do(job.Request{Kind: job.ServerKey, Options: job.Options{ServerKey: "AAAA"}}); j.Fault == nil || j.Fault.Code != job.BadRequest {
			t.Errorf("a server key that is none: %+v", j.Fault)
		}
	})
}
