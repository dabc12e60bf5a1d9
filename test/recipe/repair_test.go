package recipe_test

import (
	"bytes"
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
)

// A damaged board with a saved key gets that key back, and nothing else on it
// changes. // P1
func TestRepairPutsTheKeyBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		damage damage
	}{
		{"zeroed", zeroed},
		{"corrupt", corrupt},
		{"corrupt, in DFU mode already", both(corrupt, func(r *rig.Rig) { intoDFU(r, r.Board) })},
		{"erased, in DFU mode already", erased},
		{"erased while it ran", func(r *rig.Rig) { r.Lose(duo.ResetBlob()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, key := kept(t)
				test.damage(r)
				before := look(r)
				r.Start()
				j := do(r, job.Request{Kind: job.Repair}, "")
				if !j.Wrote || j.Proof != job.NotConfigured || j.DeviceID != idOf(r.Board) {
					t.Errorf("wrote %v, proof %s, board %s", j.Wrote, j.Proof, j.DeviceID)
				}
				if j.Result.RecordedFingerprint != key.Fingerprint() || j.Result.BoardFingerprint != key.Fingerprint() {
					t.Errorf("the result names keys %q and %q", j.Result.RecordedFingerprint, j.Result.BoardFingerprint)
				}
				hasKey(r, key)
				before.changed(r, keyFields(key)...)
				checkStays(r, false)
			})
		})
	}
}

// What is sound is not written, and what is missing beside a sound key is
// mended without touching the key. // P1
func TestRepairChangesAsLittleAsWillDo(t *testing.T) {
	t.Parallel()
	server := field{duo.ServerKeyOffset, append(duo.ParticleServerKey(), bytes.Repeat([]byte{0xFF}, duo.ServerKeyReserved-duo.ServerKeyLen)...)}
	address, err := duo.EncodeServerAddress(duo.DefaultHost, 0)
	if err != nil {
		t.Fatal(err)
	}
	host := field{duo.ServerAddressOffset, address}
	for _, test := range []struct {
		name    string
		damage  damage
		changes []field
	}{
		{"healthy", none, nil},
		{"public key stale", filled(duo.PublicKeyOffset, 0xFF, duo.PublicKeyReserved), nil},
		{"server key custom", wrote(duo.ServerKeyOffset, customServerKey()...), nil},
		{"address ipv4", wrote(duo.ServerAddressOffset, 0, 4, 192, 168, 1, 2), nil},
		{"misread", misread, keyFields(keyOf(t, misreadSeed))},
		{"server key erased", filled(duo.ServerKeyOffset, 0xFF, duo.ServerKeyReserved), []field{server}},
		{"server key corrupt", wrote(duo.ServerKeyOffset, 0), []field{server}},
		{"address erased", filled(duo.ServerAddressOffset, 0xFF, duo.ServerAddressReserved), []field{host}},
		{"server key and address erased", filled(duo.ServerKeyOffset, 0xFF, duo.ServerKeyReserved+duo.ServerAddressReserved), []field{server, host}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, key := running(t)
				test.damage(r)
				if test.name == "misread" {
					key = keyOf(t, misreadSeed)
				}
				before := look(r)
				r.Start()
				j := do(r, job.Request{Kind: job.Repair}, "")
				if j.Result.BoardFingerprint != key.Fingerprint() || j.Result.Record != "" {
					t.Errorf("the result is %+v", j.Result)
				}
				hasKey(r, key)
				if test.changes == nil {
					before.untouched(r)
				} else {
					before.changed(r, test.changes...)
				}
				checkStays(r, false)
				again := look(r)
				do(r, job.Request{Kind: job.Repair}, "")
				again.untouched(r)
			})
		})
	}
}

// Without a saved key nothing is written, and a board that would make a new one
// is not started. // P1
func TestRepairWithoutASavedKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		damage damage
		stays  bool
	}{
		{"zeroed", zeroed, false},
		{"corrupt", corrupt, false},
		{"corrupt, server key erased too", both(corrupt, filled(duo.ServerKeyOffset, 0xFF, duo.ServerKeyLen)), false},
		{"erased", erased, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _ := running(t)
				test.damage(r)
				before := look(r)
				r.Start()
				bring(r,
					saved{key: keyOf(t, 2), board: "0123456789abcdef01234567", stored: time.Second},
					saved{board: idOf(r.Board), stored: 2 * time.Second})
				j := do(r, job.Request{Kind: job.Repair}, job.NoSavedKey)
				if j.Wrote {
					t.Error("the job says that it wrote")
				}
				before.untouched(r)
				checkStays(r, test.stays)
			})
		})
	}
}

// Of several saved keys the one that the cloud saw last is taken, then the
// newest; one that cannot be used is passed over.
func TestRepairChoosesTheBestKey(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, test := range []struct {
		name    string
		records []saved // of this board, with the keys of seeds 2, 3 and 4
		want    uint64
	}{
		{"the newest", []saved{{stored: 3 * day}, {stored: 5 * day}, {stored: 4 * day}}, 3},
		{"proven before newer", []saved{{stored: 1 * day, proven: 2 * day}, {stored: 5 * day}, {stored: 4 * day}}, 2},
		{"proven last", []saved{{stored: 1 * day, proven: 6 * day}, {stored: 5 * day, proven: 7 * day}, {stored: 6 * day}}, 3},
		{"offered after another was proven", []saved{{stored: 5 * day, proven: 6 * day}, {stored: 1 * day, offered: 7 * day}, {stored: 8 * day}}, 3},
		{"proven after another was offered", []saved{{stored: 1 * day, offered: 2 * day, proven: 9 * day}, {stored: 5 * day, offered: 7 * day}, {stored: 8 * day}}, 2},
		{"the best one is broken", []saved{{stored: 1 * day, proven: 6 * day, broken: true}, {stored: 5 * day}, {stored: 4 * day}}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _ := kept(t)
				zeroed(r)
				r.Start()
				for i := range test.records {
					test.records[i].key, test.records[i].board = keyOf(t, uint64(i)+2), idOf(r.Board)
				}
				ids := bring(r, test.records...)
				j := do(r, job.Request{Kind: job.Repair}, "")
				if j.Result.Record != ids[test.want-2] {
					t.Errorf("record %q was taken, want %q", j.Result.Record, ids[test.want-2])
				}
				hasKey(r, keyOf(t, test.want))
			})
		})
	}
}

// A record of a board without an id fits when the board has its public key.
func TestRepairFromAnUnidentifiedRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, key := running(t)
		zeroed(r)
		r.Start()
		bring(r, saved{key: keyOf(t, 2), stored: time.Hour}, saved{key: key, stored: time.Second})
		do(r, job.Request{Kind: job.Repair}, "")
		hasKey(r, key)
	})
}
