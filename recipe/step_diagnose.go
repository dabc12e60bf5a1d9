package recipe

import (
	"context"

	"duogateway/duo"
	"duogateway/job"
)

// diagnose tells what is wrong with the board. Boards whose keys cannot be
// written, or are none of our business, end the job here.
func (v *visit) diagnose(context.Context, job.Say) (job.Outcome, error) {
	d, err := v.original()
	if err != nil {
		return job.Outcome{}, err
	}
	found, err := foundIn(d.inspect())
	if err != nil {
		return job.Outcome{}, err
	}
	v.memory.Found = found
	v.memory.Written = found.Fingerprint
	if err := v.checkOurs(d); err != nil {
		return job.Outcome{}, err
	}
	return job.Outcome{Detail: found.String()}, nil
}

// checkOurs refuses boards on which no key may be written.
func (v *visit) checkOurs(d *dump) error {
	if d.area.WicedApplication(v.memory.Bootloader) {
		return job.Failf(job.NotParticleFirmware, "the board is marked as running a bare WICED application")
	}
	if _, err := duo.BootloaderEngine(v.memory.Bootloader, v.memory.Part2); err != nil {
		if err := v.goRaw(err); err != nil {
			return err
		}
	}
	if !d.sound {
		return job.Failf(job.DCTUnreadable, "no copy of the DCT is sound")
	}
	return nil
}

// goRaw lets a job that may do so write the sectors themselves, on a board
// whose bootloader cannot. It will not start with the system firmware that it
// has: it stays in DFU mode, and the job says so in the end.
func (v *visit) goRaw(cause error) error {
	fault := job.Failf(job.SystemParts, "checking the system firmware: %w", cause)
	if !v.job.Options.Raw {
		return fault
	}
	report := job.ReportOf(fault)
	v.memory.Raw, v.memory.Stay, v.memory.Ending = true, true, &report
	return nil
}
