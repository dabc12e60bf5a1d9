package recipe

import (
	"bytes"
	"context"

	"duogateway/duo"
	"duogateway/job"
)

// writeRaw makes content the current DCT by alternate setting 0: the copy that
// is not current is written and read back before it counts, and again before the
// current one gives way, so that one of them is sound at any time.
func (v *visit) writeRaw(ctx context.Context, say job.Say, content duo.Sector) error {
	now, err := v.read(ctx, say)
	if err != nil {
		return err
	}
	defer now.raw.Clear()
	if now.sound && bytes.Equal(now.area.Reveal(), content.Area().Reveal()) {
		return nil
	}
	return v.carryOut(ctx, say, now, content)
}

// carryOut makes content the successor of what is current now.
func (v *visit) carryOut(ctx context.Context, say job.Say, now *dump, content duo.Sector) error {
	plan, err := now.sectors.PlanRaw(now.engine, content)
	if err != nil {
		return job.Failf(job.Internal, "planning the raw write: %w", err)
	}
	for i, step := range plan.Steps {
		say("writing a DCT sector", i, len(plan.Steps))
		if step.Check {
			if err := v.checkCopy(ctx, plan, i); err != nil {
				return err
			}
		}
		if err := v.rawStep(ctx, step); err != nil {
			return usbFault(err)
		}
	}
	return v.checkCopy(ctx, plan, len(plan.Steps))
}

func (v *visit) rawStep(ctx context.Context, step duo.RawStep) error {
	base := v.memory.Bootloader.SectorBases()[step.Copy-1]
	if step.Erase {
		return v.device.Erase(ctx, duo.AltInternal, base, duo.SectorSize, nil)
	}
	return v.device.Write(ctx, duo.AltInternal, base+uint32(step.Offset), step.Data.Reveal(), nil)
}

// checkCopy reads the written copy back before a step, or behind the last one.
func (v *visit) checkCopy(ctx context.Context, plan duo.RawWrite, step int) error {
	base := v.memory.Bootloader.SectorBases()[plan.Copy-1]
	got, err := v.readSure(ctx, base, duo.SectorSize, nil)
	if err != nil {
		return err
	}
	defer clear(got)
	written := plan.WrittenBefore(step)
	defer written.Clear()
	if want := written.Reveal(); !bytes.Equal(want, got) {
		return job.Failf(job.WriteNotVerified, "reading back copy %d of the DCT: %w", plan.Copy, differs(want, got))
	}
	return nil
}

// withBlock is the current sector of a dump with another key area.
func (d *dump) withBlock(block duo.Block) (duo.Sector, error) {
	index, ok := d.sectors.Current(d.engine)
	if !ok {
		return duo.Sector{}, job.Failf(job.DCTUnreadable, "no copy of the DCT is sound")
	}
	return d.sectors[index].WithArea(duo.BlockOffset, block.Reveal())
}
