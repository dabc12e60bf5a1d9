package recipe

import (
	"context"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// restoreSteps write a saved key back, also over a sound one.
func restoreSteps(v *visit) []job.Step {
	steps := append(lookSteps(v), job.Step{Name: stepDecide, Do: v.decideRestore, Again: inDFU})
	return append(append(steps, writeSteps(v)...), leaveSteps(v)...)
}

// decideRestore takes the record that was asked for if it is this board's, or
// the best one.
func (v *visit) decideRestore(context.Context, job.Say) (job.Outcome, error) {
	v.memory.Decision = decision{}
	v.mendServer()
	record, err := v.askedRecord()
	if err != nil {
		return job.Outcome{}, err
	}
	v.choose(*record, "as asked")
	return v.decided()
}

func (v *visit) askedRecord() (*job.RecordInfo, error) {
	if id := v.job.Options.Record; id != "" {
		return v.recordOfThisBoard(id)
	}
	best, err := v.bestRecord()
	if err == nil && best == nil {
		err = v.noKey(job.NoSoundRecord, "there is no saved key of "+nameOf(string(v.memory.DeviceID)))
	}
	return best, err
}

func (v *visit) recordOfThisBoard(id string) (*job.RecordInfo, error) {
	record, err := v.book.Records.Record(id)
	if err != nil {
		return nil, err
	}
	record.Raw.Clear()
	record.Block.Clear()
	if !record.Info.Sound() {
		return nil, job.Failf(job.NoSoundRecord, "record %s: %w", id, errNoKey)
	}
	if !v.fits(record.Info) {
		return nil, v.noKey(job.KeyOfOtherBoard, fmt.Sprintf("record %s is of %s, this is %s", id, nameOf(record.Info.DeviceID), nameOf(string(v.memory.DeviceID))))
	}
	return &record.Info, nil
}

func nameOf(id string) string {
	if id == "" {
		return "an unidentified board"
	}
	return "board " + id
}

// same compares two blocks.
func same(a, b duo.Block) bool {
	return string(a.Bytes.Reveal()) == string(b.Bytes.Reveal())
}

// differs names the first byte in which two areas differ.
func differs(want, got []byte) error {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return fmt.Errorf("the first difference is at offset %d", i)
		}
	}
	return fmt.Errorf("%d bytes instead of %d", len(got), len(want))
}
