package recipe_test

import (
	"encoding/hex"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/secret"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

// idOf is the id that a board tells.
func idOf(board *virtualduo.Board) string {
	uid := board.UID()
	return hex.EncodeToString(uid[:])
}

// saved is a record of a key, as somebody may have brought it to the station.
// Times count from now; 0 means never.
type saved struct {
	key                     *duo.PrivateKey
	board                   string // its id; empty: unidentified
	stored, offered, proven time.Duration
	broken                  bool // what is inside is not the key
}

// bring stores records and returns their ids. The station must be running.
func bring(r *rig.Rig, all ...saved) []string {
	r.T.Helper()
	var records []job.KeyRecord
	var ids []string
	for _, s := range all {
		record := s.record(r)
		records = append(records, record)
		ids = append(ids, record.ContentID())
	}
	r.Must(r.Store.Import(records, job.AuditNote{Who: "test", What: "import"}))
	return ids
}

func (s saved) record(r *rig.Rig) job.KeyRecord {
	r.T.Helper()
	block, err := duo.NewBlock(r.Board.ApplicationDCT()[duo.BlockOffset : duo.BlockOffset+duo.BlockLen])
	r.Must(err)
	info := job.RecordInfo{DeviceID: s.board, KeyState: "erased", Stored: *stamp(s.stored), OfferedAt: mark(s.offered), ProvenAt: mark(s.proven)}
	if s.key != nil {
		info.KeyState, info.Fingerprint = "valid", s.key.Fingerprint()
		block = block.WithKey(s.key)
	}
	if s.key == nil || s.broken {
		block = block.WithErasedKey()
	}
	return job.KeyRecord{Info: info, Block: secret.Of(append(block.Reveal()[:duo.BlockLen-1:duo.BlockLen-1], byte(s.stored/time.Second)))}
}

func mark(after time.Duration) *job.Stamp {
	if after == 0 {
		return nil
	}
	return stamp(after)
}

func stamp(after time.Duration) *job.Stamp {
	return &job.Stamp{At: time.Now().Add(after).UTC().Truncate(time.Second), Boot: rig.Boot}
}
