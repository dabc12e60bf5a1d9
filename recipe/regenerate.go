package recipe

import (
	"context"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// Steps of a regeneration behind those that all writing jobs have.
const (
	stepKeyMade    = "make-key"
	stepEnterAgain = "enter-dfu-again"
	stepSaveNew    = "save-new-key"
	stepLeaveAgain = "leave-again"
)

// regenerateSteps let the board make a key of its own, and save it. The old
// one is in the backup.
func regenerateSteps(v *visit) []job.Step {
	steps := append(lookSteps(v), job.Step{Name: stepDecide, Do: v.decideRegenerate, Again: inDFU})
	steps = append(steps, writeSteps(v)...)
	return append(steps,
		job.Step{Name: stepLeave, Do: v.leave, Again: inDFU},
		job.Step{Name: stepKeyMade, Do: v.awaitKey},
		job.Step{Name: stepEnterAgain, Do: v.enter},
		job.Step{Name: stepSaveNew, Do: v.saveNew, Again: inDFU},
		job.Step{Name: stepLeaveAgain, Do: v.leave, Again: inDFU},
		job.Step{Name: stepRunning, Do: v.seeRunning},
	)
}

// decideRegenerate refuses a board that nobody can name: the cloud could never
// be told of its new key.
func (v *visit) decideRegenerate(context.Context, job.Say) (job.Outcome, error) {
	if v.memory.DeviceID == "" {
		return job.Outcome{}, job.Failf(job.NoDeviceID, "a new key needs a device id to go with it")
	}
	v.memory.Decision = decision{EraseKey: true, Why: "the key is erased, so that the board makes a new one"}
	v.mendServer()
	return v.decided()
}

// awaitKey waits while the board makes its key: it blinks white then and is not
// on the bus, and RESET must not be touched.
func (v *visit) awaitKey(ctx context.Context, say job.Say) (job.Outcome, error) {
	detail, err := v.awaitFirmware(ctx, say)
	return job.Outcome{Detail: detail}, err
}

// saveNew reads the key that the board has made, and stores it. The board has
// been out of sight: it has to be known again first.
func (v *visit) saveNew(ctx context.Context, say job.Say) (job.Outcome, error) {
	if _, err := v.identify(ctx, say); err != nil {
		return job.Outcome{}, err
	}
	d, err := v.read(ctx, say)
	if err != nil {
		return job.Outcome{}, err
	}
	record := v.record(d)
	found := d.inspect().PrivateKey
	v.memory.Keyless = found.State == duo.PrivateKeyErased
	if found.State != duo.PrivateKeyValid || found.Fingerprint == v.memory.Found.Fingerprint {
		return job.Outcome{}, job.Failf(job.KeyNotMade, "reading the new key: the private key is %s", found.State)
	}
	v.memory.Written = found.Fingerprint
	v.memory.Decision.Record = record.ContentID()
	v.memory.Decision.RecordFingerprint = found.Fingerprint
	return job.Outcome{
		Detail:  fmt.Sprintf("the new key is in record %s", v.memory.Decision.Record),
		Records: []job.KeyRecord{record},
	}, nil
}
