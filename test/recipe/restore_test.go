package recipe_test

import (
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
)

// restoring is a board with a sound key and the station with other saved ones.
func restoring(t *testing.T, all ...saved) (*rig.Rig, []string) {
	t.Helper()
	r, _ := running(t)
	r.Start()
	for i := range all {
		if all[i].board == "" {
			all[i].board = idOf(r.Board)
		}
	}
	return r, bring(r, all...)
}

// A restore writes a saved key over a sound one: the one that is named, or
// else the one that the cloud saw last. // P1
func TestRestoreOverASoundKey(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{true, false} {
		t.Run(map[bool]string{true: "by name", false: "the best"}[named], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, ids := restoring(t, saved{key: keyOf(t, 2), stored: time.Second, offered: time.Minute}, saved{key: keyOf(t, 3), stored: time.Hour})
				before := look(r)
				request, want := job.Request{Kind: job.Restore}, 0
				if named {
					want, request.Options.Record = 1, ids[1]
				}
				j := do(r, request, "")
				key := keyOf(t, uint64(want)+2)
				if j.Result.Record != ids[want] || j.Result.BoardFingerprint != key.Fingerprint() {
					t.Errorf("the result is %+v", j.Result)
				}
				before.changed(r, keyFields(key)...)
				again := look(r)
				do(r, request, "")
				again.untouched(r)
			})
		})
	}
}

// Nobody knows which of two sound keys is the right one when the cloud has
// seen neither: without a name the one on the board stays.
func TestRestoreWithoutANameKeepsAnUnprovenKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := restoring(t, saved{key: keyOf(t, 2), stored: -time.Hour})
		before := look(r)
		do(r, job.Request{Kind: job.Restore}, "")
		before.untouched(r)
	})
}

// A restore that cannot be carried out as asked is rejected, nothing is written
// and the board runs again. // P1
func TestRestoreRejects(t *testing.T) {
	t.Parallel()
	const other = "0123456789abcdef01234567"
	for _, test := range []struct {
		name    string
		damage  damage
		record  saved
		options job.Options // the record is filled in where it says so
		code    job.Code
		stays   bool
	}{
		{"record of another board", none, saved{key: keyOf(t, 2), board: other}, job.Options{Record: "it"}, job.KeyOfOtherBoard, false},
		{"record of another board onto an erased one", erased, saved{key: keyOf(t, 2), board: other}, job.Options{Record: "it"}, job.KeyOfOtherBoard, true},
		{"record of nobody's board", none, saved{key: keyOf(t, 2), board: "-"}, job.Options{Record: "it"}, job.KeyOfOtherBoard, false},
		{"record without a key", none, saved{}, job.Options{Record: "it"}, job.NoSoundRecord, false},
		{"record with a broken key", none, saved{key: keyOf(t, 2), broken: true}, job.Options{Record: "it"}, job.NoSoundRecord, false},
		{"unknown record", none, saved{key: keyOf(t, 2)}, job.Options{Record: "no-such"}, job.UnknownRecord, false},
		{"no record of the board", zeroed, saved{key: keyOf(t, 2), board: other}, job.Options{}, job.NoSoundRecord, false},
		{"asked for another board", none, saved{key: keyOf(t, 2)}, job.Options{DeviceID: other}, job.NotThisBoard, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r, _ := running(t)
				test.damage(r)
				before := look(r)
				r.Start()
				switch test.record.board {
				case "":
					test.record.board = idOf(r.Board)
				case "-":
					test.record.board = ""
				}
				if ids := bring(r, test.record); test.options.Record == "it" {
					test.options.Record = ids[0]
				}
				do(r, job.Request{Kind: job.Restore, Options: test.options}, test.code)
				before.untouched(r)
				if !test.stays {
					r.AwaitRunning()
				}
				checkStays(r, test.stays)
			})
		})
	}
}

// A restore mends what else is missing in the same block.
func TestRestoreMendsTheServerKey(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, key := kept(t)
		both(zeroed, filled(duo.ServerKeyOffset, 0xFF, duo.ServerKeyLen))(r)
		before := look(r)
		r.Start()
		do(r, job.Request{Kind: job.Restore}, "")
		before.changed(r, append(keyFields(key), field{duo.ServerKeyOffset, duo.ParticleServerKey()})...)
	})
}
