package recipe

import (
	"testing"
	"time"

	"duogateway/job"
)

// A record that cannot be opened is passed over for the next best one, and
// when none can be opened there is none.
func TestRecordsThatCannotBeOpened(t *testing.T) {
	unreadable := job.Failf(job.RecordUnreadable, "it is sealed to somebody else")
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.zero()
		good, better := recordOf(t, 1, idOf(b.board)), recordOf(t, 2, idOf(b.board))
		better.Info.ProvenAt = &job.Stamp{At: time.Now()}
		b.store(good, better)
		b.unopened[better.ContentID()] = unreadable
		b.repairs()
		b.zero()
		b.unopened[good.ContentID()] = unreadable
		hasCode(t, b.begin(job.Repair, job.Options{}).run(), job.NoSavedKey)
	})
}

// A restore of a named record that cannot be opened says so.
func TestRestoreOfARecordThatCannotBeOpened(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		record := recordOf(t, 2, idOf(b.board))
		b.store(record)
		b.unopened[record.ContentID()] = job.Failf(job.RecordUnreadable, "it is sealed to somebody else")
		hasCode(t, b.begin(job.Restore, job.Options{Record: record.ContentID()}).run(), job.RecordUnreadable)
	})
}

// A resumed job whose backup cannot be opened blames the store, and not the
// board or whoever asked.
func TestResumeWithoutItsBackup(t *testing.T) {
	for _, kind := range []job.Kind{job.Repair, job.Restore} {
		for _, step := range []string{stepDiagnose, stepDecide, stepWrite, stepReadBack} {
			t.Run(string(kind)+" "+step, func(t *testing.T) {
				onBench(t, usual, func(t *testing.T, b *bench) {
					b.zero()
					b.store(recordOf(t, 1, ""))
					w := b.begin(kind, job.Options{})
					b.must(w.runTo(step))
					w.crash()
					for _, r := range b.records {
						if r.Info.Job != "" {
							b.unopened[r.Info.ID] = job.Failf(job.RecordUnreadable, "the disk")
						}
					}
					hasCode(t, w.resume(), job.RecordUnreadable)
				})
			})
		}
	}
}
