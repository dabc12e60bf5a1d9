package recipe

import (
	"context"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// backUp reads the raw DCT sectors and gives them to the journal, which seals
// and stores them with the outcome of this step. No later step runs without.
// P1
func (v *visit) backUp(ctx context.Context, say job.Say) (job.Outcome, error) {
	d, err := v.read(ctx, say)
	if err != nil {
		return job.Outcome{}, err
	}
	audit, err := v.identifyByDump(d.area)
	if err != nil {
		return job.Outcome{}, err
	}
	v.dump, v.memory.Came = d, v.memory.versions
	v.memory.Keyless = !d.sound || d.inspect().PrivateKey.State == duo.PrivateKeyErased
	record := v.record(d)
	v.memory.Backup = record.ContentID()
	return job.Outcome{
		Detail:   fmt.Sprintf("%d bytes in record %s", d.raw.Len(), v.memory.Backup),
		DeviceID: string(v.memory.DeviceID),
		Records:  []job.KeyRecord{record},
		Audit:    audit,
	}, nil
}

// record makes a key record of a dump of this board.
func (v *visit) record(d *dump) job.KeyRecord {
	found := d.inspect()
	record := job.KeyRecord{
		Info: job.RecordInfo{
			DeviceID:    string(v.memory.DeviceID),
			Fingerprint: found.PrivateKey.Fingerprint,
			KeyState:    string(found.PrivateKey.State),
			Bootloader:  int(v.memory.Bootloader),
			Job:         v.job.ID, Bay: v.Name, Presence: v.job.Presence,
			Stored: v.book.Clock.Now(),
		},
		Raw: d.raw,
	}
	if d.sound {
		record.Block = d.block.Bytes
	}
	return record
}

// inspect diagnoses a dump.
func (d *dump) inspect() duo.Diagnosis {
	return duo.DiagnoseSectors(d.sectors, d.engine, d.raw.Len())
}
