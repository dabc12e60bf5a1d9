package recipe_test

import (
	"encoding/json"
	"strings"
	"testing"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
)

// A diagnosis says what the board's own firmware would find, writes nothing and
// lets the board run again, unless it would make a new key then. // P1
func TestDiagnose(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		damage damage
		code   job.Code
		says   string
		stays  bool
	}{
		{"healthy", none, "", `"state":"valid"`, false},
		{"healthy, in DFU mode already", func(r *rig.Rig) { intoDFU(r, r.Board) }, "", `"state":"valid"`, false},
		{"zeroed", zeroed, job.KeyDamaged, `"state":"zeroed"`, false},
		{"corrupt", corrupt, job.KeyDamaged, `"state":"corrupt"`, false},
		{"misread", misread, job.KeyDamaged, `"state":"unreadable-by-firmware"`, false},
		{"erased, in DFU mode already", erased, job.KeyErased, `"state":"erased"`, true},
		{"erased while it ran", wrote(duo.PrivateKeyOffset, duo.ResetBlob()...), job.KeyErased, `"state":"erased"`, true},
		{"server key erased", filled(duo.ServerKeyOffset, 0xFF, duo.ServerKeyLen), job.ServerKeyBad, `"server_key":{"state":"erased"`, false},
		{"server key corrupt", wrote(duo.ServerKeyOffset, 0), job.ServerKeyBad, `"server_key":{"state":"corrupt"`, false},
		{"server key custom", wrote(duo.ServerKeyOffset, customServerKey()...), "", `"server_key":{"state":"custom"`, false},
		{"address erased", filled(duo.ServerAddressOffset, 0xFF, duo.ServerAddressReserved), job.ServerKeyBad, `"server_address":{"state":"erased"`, false},
		{"address invalid", wrote(duo.ServerAddressOffset, 7, 7), job.ServerKeyBad, `"server_address":{"state":"invalid"`, false},
		{"address ipv4", wrote(duo.ServerAddressOffset, 0, 4, 192, 168, 1, 2), "", `"server_address":{"state":"ipv4"`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _ := running(t)
				test.damage(r)
				before := look(r)
				r.Start()
				j := do(r, job.Request{Kind: job.Diagnose}, test.code)
				if !strings.Contains(string(j.Result.Diagnosis), test.says) || !json.Valid(j.Result.Diagnosis) {
					t.Errorf("the diagnosis is %s, want %s in it", j.Result.Diagnosis, test.says)
				}
				if j.Result.BoardFingerprint != "" && before.fingerprint != "" && j.Result.BoardFingerprint != before.fingerprint {
					t.Error("the firmware finds another key than the diagnosis")
				}
				before.untouched(r)
				checkStays(r, test.stays)
			})
		})
	}
}

// checkStays checks whether the board was kept in DFU mode, and that it has
// made no key in any case.
func checkStays(r *rig.Rig, stays bool) {
	r.T.Helper()
	want := duo.ProductRun
	if stays {
		want = duo.ProductDFU
	}
	if got := product(r.Board); got != want {
		r.T.Errorf("the board is on the bus as %04x, want %04x", got, want)
	}
	if n := r.Board.Counters().KeyGenerations; n != 0 {
		r.T.Errorf("the board made %d keys", n)
	}
}
