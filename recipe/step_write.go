package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// writeTries is how often a write is made for one job.
const writeTries = 2

// writeSteps write the block that was decided on, and check it.
func writeSteps(v *visit) []job.Step {
	return []job.Step{
		{Name: stepWrite, Do: v.write, Writes: true, Again: inDFU},
		{Name: stepReadBack, Do: v.readBack, Again: inDFU},
	}
}

// write writes the repair block as one DFU block, which the new engine makes
// one atomic change. It is written again when an earlier run of this step was
// cut short.
func (v *visit) write(ctx context.Context, say job.Say) (job.Outcome, error) {
	if err := v.checkServed(ctx); err != nil {
		return job.Outcome{}, err
	}
	target, err := v.target()
	if err != nil {
		return job.Outcome{}, err
	}
	defer target.Clear()
	v.memory.Attempts++
	if v.memory.Raw {
		return v.writeSector(ctx, say, target)
	}
	err = v.device.Write(ctx, duo.AltDCT, duo.BlockOffset, target.Bytes.Reveal(), func(done, total int) {
		say("writing the key area", done, total)
	})
	if err != nil {
		return job.Outcome{}, usbFault(err)
	}
	return job.Outcome{Detail: fmt.Sprintf("%d bytes at offset %d of the DCT", duo.BlockLen, duo.BlockOffset)}, nil
}

// writeSector writes the block with the sector around it.
func (v *visit) writeSector(ctx context.Context, say job.Say, target duo.Block) (job.Outcome, error) {
	before, err := v.original()
	if err != nil {
		return job.Outcome{}, err
	}
	content, err := before.withBlock(target)
	if err != nil {
		return job.Outcome{}, err
	}
	defer content.Clear()
	return job.Outcome{Detail: "a copy of the DCT, past the bootloader"}, v.writeRaw(ctx, say, content)
}

// checkServed makes sure that alternate setting 1 shows the copy that we think
// is current: a bootloader that cannot reach its DCT code answers zeros, and
// would refuse the write.
func (v *visit) checkServed(ctx context.Context) error {
	if v.memory.Raw {
		return nil
	}
	now, err := v.read(ctx, func(string, int, int) {})
	if err != nil {
		return err
	}
	defer now.raw.Clear()
	if now.sound { // else a look at alternate setting 1 would make the board begin anew
		shown, err := v.shows(ctx, now.block)
		if shown || err != nil {
			return err
		}
	}
	return v.goRaw(errors.New("the bootloader does not show the current DCT"))
}

// shows tells whether alternate setting 1 shows a block. One read that failed
// is not taken for an answer.
func (v *visit) shows(ctx context.Context, block duo.Block) (bool, error) {
	for range readTries {
		served, err := v.device.Read(ctx, duo.AltDCT, duo.BlockOffset, duo.BlockLen, nil)
		if err != nil {
			return false, usbFault(err)
		}
		same := bytes.Equal(served, block.Reveal())
		clear(served)
		if same {
			return true, nil
		}
	}
	return false, nil
}

// readBack reads both raw sectors, finds the current copy as the board would,
// and compares all of it with what should be there.
func (v *visit) readBack(ctx context.Context, say job.Say) (job.Outcome, error) {
	err := v.compare(ctx, say)
	if err == nil {
		return job.Outcome{Detail: "what was read back is what was written"}, nil
	}
	if job.HasCode(err, job.WriteNotVerified) && v.memory.Attempts < writeTries {
		return job.Outcome{Detail: err.Error() + "; writing again", Next: stepWrite}, nil
	}
	return job.Outcome{}, err
}

func (v *visit) compare(ctx context.Context, say job.Say) error {
	before, err := v.original()
	if err != nil {
		return err
	}
	target, err := v.target()
	if err != nil {
		return err
	}
	defer target.Clear()
	after, err := v.read(ctx, say)
	if err != nil {
		return err
	}
	defer after.raw.Clear()
	if !after.sound {
		return job.Failf(job.WriteNotVerified, "reading back: no copy of the DCT is sound")
	}
	want := bytes.Clone(before.area.Reveal())
	defer clear(want)
	copy(want[duo.BlockOffset:], target.Reveal())
	if got := after.area.Reveal(); !bytes.Equal(want, got) {
		return job.Failf(job.WriteNotVerified, "reading back: %w", differs(want, got))
	}
	found := after.inspect().PrivateKey
	v.memory.Written = found.Fingerprint
	v.memory.Keyless = found.State == duo.PrivateKeyErased
	v.memory.Stay = v.memory.Raw
	return nil
}
