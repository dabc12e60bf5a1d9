package recipe

import (
	"cmp"
	"slices"
	"time"

	"duogateway/duo"
	"duogateway/job"
)

// candidates lists the records whose key may be written to this board, the
// best first: those that the cloud has seen, by when it saw them last, then
// the newest of the others.
func (v *visit) candidates() ([]job.RecordInfo, error) {
	if _, err := v.original(); err != nil {
		return nil, err
	}
	records, err := v.book.Records.AllRecords()
	if err != nil {
		return nil, err
	}
	records = slices.DeleteFunc(records, func(r job.RecordInfo) bool { return !v.fits(r) })
	slices.SortStableFunc(records, func(a, b job.RecordInfo) int {
		return cmp.Or(seenByCloud(b).Compare(seenByCloud(a)), b.Stored.At.Compare(a.Stored.At))
	})
	return records, nil
}

// seenByCloud is the later of when the key was offered and when it was proven.
func seenByCloud(r job.RecordInfo) time.Time {
	var latest time.Time
	for _, mark := range []*job.Stamp{r.OfferedAt, r.ProvenAt} {
		if mark != nil && mark.At.After(latest) {
			latest = mark.At
		}
	}
	return latest
}

// fits tells whether a record's key is this board's: by the device id; or, when
// the record or the board has none, by the public key in the board's DCT.
func (v *visit) fits(r job.RecordInfo) bool {
	if !r.Sound() {
		return false
	}
	if r.DeviceID != "" && v.memory.DeviceID != "" {
		return r.DeviceID == string(v.memory.DeviceID)
	}
	d, err := v.original()
	if err != nil {
		return false
	}
	spki, ok := duo.ReadPublicKey(d.block.PublicKey())
	return ok && duo.Fingerprint(spki) == r.Fingerprint
}
