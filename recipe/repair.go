package recipe

import (
	"context"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// repairSteps find out what is wrong and mend it, with as little change to the
// board as will do.
func repairSteps(v *visit) []job.Step {
	steps := append(lookSteps(v), job.Step{Name: stepDecide, Do: v.decideRepair, Again: inDFU})
	return append(append(steps, writeSteps(v)...), leaveSteps(v)...)
}

// decideRepair chooses the key: the board's own if it is sound or can be put
// together again, since the cloud knows that one; else the best record of this
// board.
func (v *visit) decideRepair(context.Context, job.Say) (job.Outcome, error) {
	v.memory.Decision = decision{}
	v.mendServer()
	state := v.memory.Found.PrivateKey
	switch state {
	case duo.PrivateKeyValid:
		v.memory.Decision.Why = "the private key is sound"
	case duo.PrivateKeyUnreadable:
		v.memory.Decision.OwnKey = true
		v.memory.Decision.Why = "the firmware cannot read the form of the private key: the same key in its own form"
	default:
		found, err := v.replaceKey(state)
		if err != nil {
			return job.Outcome{}, err
		}
		if !found {
			return v.giveUp(state), nil
		}
	}
	return v.decided()
}

// replaceKey decides on a key in place of one that is lost, and says false when
// there is none: the same key, if enough of it is left; else the best record;
// else the key that the board had before, which its other copy still holds.
func (v *visit) replaceKey(state duo.PrivateKeyState) (bool, error) {
	d, err := v.original()
	if err != nil {
		return false, err
	}
	if key, err := d.sectors.Salvage(d.engine); err == nil {
		v.memory.Decision.Salvage = true
		v.memory.Decision.Why = fmt.Sprintf("the private key is %s: the same key %.16s..., put together again from what is left of it", state, key.Fingerprint())
		key.Clear()
		return true, nil
	}
	best, err := v.bestRecord()
	if err != nil {
		return false, err
	}
	if best != nil {
		v.choose(*best, fmt.Sprintf("the private key is %s", state))
		return true, nil
	}
	return v.takePrevious(d, state), nil
}

// takePrevious decides on the key in the other copy of the DCT.
func (v *visit) takePrevious(d *dump, state duo.PrivateKeyState) bool {
	key, err := d.previousKey()
	if err != nil {
		return false
	}
	defer key.Clear()
	v.memory.Decision.Previous = true
	v.memory.Decision.Why = fmt.Sprintf("the private key is %s: the key %.16s... that the board had before, from the other copy of its DCT", state, key.Fingerprint())
	return true
}

// bestRecord is nil when no record of the board can be used.
func (v *visit) bestRecord() (*job.RecordInfo, error) {
	records, err := v.candidates()
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		key, err := v.recordKey(r.ID)
		if err == nil {
			key.Clear()
			return &r, nil
		}
		v.book.Log.Warn("a key record cannot be used", "job", v.job.ID, "bay", v.Name, "record", r.ID, "error", err)
	}
	return nil, nil
}

func (v *visit) choose(r job.RecordInfo, why string) {
	v.memory.Decision.Record = r.ID
	v.memory.Decision.RecordFingerprint = r.Fingerprint
	v.memory.Decision.Why = fmt.Sprintf("%s: the key of record %s, %s", why, r.ID, standing(r))
}

func standing(r job.RecordInfo) string {
	switch {
	case r.ProvenAt != nil:
		return "proven"
	case r.OfferedAt != nil:
		return "offered to the cloud"
	default:
		return "not proven"
	}
}

// giveUp ends the repair of a board for which there is no key. Nothing is
// written; a board that would make a key of its own is not started.
func (v *visit) giveUp(state duo.PrivateKeyState) job.Outcome {
	v.memory.Decision = decision{Why: "there is no key to restore"}
	fault := job.ReportOf(v.noKey(job.NoSavedKey, fmt.Sprintf("the private key is %s and there is no saved key of this board", state)))
	v.memory.Ending = &fault
	detail := "no saved key of this board; nothing is written"
	if v.memory.Keyless {
		detail += "; the board stays in DFU mode"
	}
	return job.Outcome{Detail: detail, Next: stepLeave}
}

// decided goes on to the write, or past it when the board has what it needs.
func (v *visit) decided() (job.Outcome, error) {
	d, err := v.original()
	if err != nil {
		return job.Outcome{}, err
	}
	target, err := v.target()
	if err != nil {
		return job.Outcome{}, err
	}
	defer target.Clear()
	chosen := &v.memory.Decision
	chosen.Write = !same(target, d.block)
	if !chosen.Write {
		return job.Outcome{Detail: chosen.Why + "; nothing to write", Next: stepLeave}, nil
	}
	v.memory.Stay = true
	return job.Outcome{Detail: chosen.Why}, nil
}

// noKey is why there is no key for this board. Of one that nobody can name the
// station may well have a key: its id is what is missing then.
func (v *visit) noKey(code job.Code, message string) error {
	if v.memory.DeviceID == "" {
		return job.Failf(job.NoDeviceID, "%s, as far as its public key tells: its id is not known", message)
	}
	return job.Failf(code, "%s", message)
}
