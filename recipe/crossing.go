package recipe

import (
	"context"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// Steps of a flash that crosses system 0.3.0, behind those of any flash.
const (
	stepStarted       = "see-started"
	stepIdentifyAgain = "identify-again"
	stepCompareKeys   = "compare-keys"
)

// crossingSteps follow an upgrade with which the bootloader grows over the
// first copy of the DCT: the second one is read as the first from then on. They
// make sure that the keys have come along. Other flashes end at the first step.
func crossingSteps(v *visit) []job.Step {
	steps := []job.Step{
		{Name: stepStarted, Do: v.seeStarted},
		{Name: stepEnterAgain, Do: v.enter},
		{Name: stepIdentifyAgain, Do: v.identify, Again: []string{stepEnterAgain}},
		{Name: stepCompareKeys, Do: v.compareKeys, Again: inDFU},
	}
	return append(append(steps, writeSteps(v)...),
		job.Step{Name: stepLeaveAgain, Do: v.leave, Again: inDFU},
		job.Step{Name: stepRunning, Do: v.seeRunning},
	)
}

// keepSecondCopy makes the second copy of the DCT the current one again, if the
// bootloader has swapped the copies when the first block of a system part came.
func (v *visit) keepSecondCopy(ctx context.Context, say job.Say) error {
	now, err := v.read(ctx, say)
	if err != nil {
		return err
	}
	defer now.raw.Clear()
	index, ok := now.sectors.Current(now.engine)
	if !ok {
		return job.Failf(job.DCTUnreadable, "no copy of the DCT is sound any more; the keys are in record %s", v.memory.Backup)
	}
	if index == 1 {
		return nil
	}
	return v.carryOut(ctx, say, now, now.sectors[index])
}

// seeStarted waits for the new firmware, which replaces the bootloader first.
func (v *visit) seeStarted(ctx context.Context, say job.Say) (job.Outcome, error) {
	if !v.memory.Crosses {
		return v.seeRunning(ctx, say)
	}
	detail, err := v.awaitFirmware(ctx, say)
	return job.Outcome{Detail: detail}, err
}

// compareKeys reads the DCT where it is now. If the keys are not those that the
// board came with, what is there is saved, and they are written again.
func (v *visit) compareKeys(ctx context.Context, say job.Say) (job.Outcome, error) {
	before, err := v.original()
	if err != nil {
		return job.Outcome{}, err
	}
	now, err := v.read(ctx, say)
	if err != nil {
		return job.Outcome{}, err
	}
	if !now.sound {
		return job.Outcome{}, job.Failf(job.DCTUnreadable, "after the upgrade no copy of the DCT is sound; the keys are in record %s", v.memory.Backup)
	}
	v.memory.Written = now.inspect().PrivateKey.Fingerprint
	if sameKeys(before.block, now.block) {
		return job.Outcome{Detail: "the keys have come along", Next: stepLeaveAgain}, nil
	}
	record := v.record(now)
	kept := v.memory.Backup
	v.dump, v.memory.Backup, v.memory.Came = now, record.ContentID(), v.memory.versions
	v.memory.Decision = decision{Write: true, Block: kept, Why: "the keys did not come along"}
	v.memory.Stay = true
	return job.Outcome{
		Detail:  fmt.Sprintf("the keys did not come along: those of record %s are written again", kept),
		Records: []job.KeyRecord{record},
	}, nil
}

// sameKeys compares what a repair would write. The public key is not looked at:
// the firmware derives it anew.
func sameKeys(a, b duo.Block) bool {
	return string(a.PrivateKey().Reveal()) == string(b.PrivateKey().Reveal()) &&
		string(a.ServerKey()) == string(b.ServerKey()) && string(a.ServerAddress()) == string(b.ServerAddress())
}

// recordBlock is the whole key area of a record.
func (v *visit) recordBlock(id string) (duo.Block, error) {
	record, err := v.book.Records.Record(id)
	if err != nil {
		return duo.Block{}, err
	}
	defer record.Raw.Clear()
	defer record.Block.Clear()
	block, err := duo.NewBlock(record.Block.Reveal())
	if err != nil {
		return duo.Block{}, job.Failf(job.NoSoundRecord, "record %s: it holds no key area", id)
	}
	return block, nil
}
