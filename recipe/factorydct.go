package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"duogateway/duo"
	"duogateway/job"
)

// factoryDCTSteps give a board the DCT that it left the factory with, and what
// is its own in it: keys, Wi-Fi, claim, id, the table of modules.
func factoryDCTSteps(v *visit) []job.Step {
	steps := append(lookSteps(v)[:3],
		job.Step{Name: stepDecide, Do: v.decideFactory, Again: inDFU},
		job.Step{Name: stepWrite, Do: v.writeFactory, Writes: true, Again: inDFU},
		job.Step{Name: stepReadBack, Do: v.readFactoryBack, Again: inDFU},
	)
	return append(steps, leaveSteps(v)...)
}

// decideFactory makes sure that the content can be put together. Keys that are
// to be forgotten are not missed later: the board makes new ones.
func (v *visit) decideFactory(context.Context, job.Say) (job.Outcome, error) {
	content, err := v.factoryContent()
	if err != nil {
		return job.Outcome{}, err
	}
	content.Clear()
	d, err := v.original()
	if err != nil {
		return job.Outcome{}, err
	}
	v.memory.Decision = decision{EraseKey: v.forgets(job.ForgetKeys)}
	v.memory.Stay = true
	base := "the factory DCT"
	if id := v.job.Options.Record; id != "" {
		base = "the DCT of record " + id
	}
	return job.Outcome{Detail: base + ", with " + v.carried(d)}, nil
}

func (v *visit) carried(d *dump) string {
	if !d.sound {
		return "nothing of what is on the board: no copy of its DCT is sound"
	}
	if len(v.job.Options.Forget) == 0 {
		return "all that is the board's own"
	}
	return "what is the board's own, but for " + strings.Join(v.job.Options.Forget, ", ")
}

func (v *visit) forgets(what string) bool { return slices.Contains(v.job.Options.Forget, what) }

// factoryContent is the sector to write, from the board as it came.
func (v *visit) factoryContent() (duo.Sector, error) {
	d, err := v.original()
	if err != nil {
		return duo.Sector{}, err
	}
	base, err := v.baseSector()
	if err != nil {
		return duo.Sector{}, err
	}
	index, ok := d.sectors.Current(d.engine)
	if !ok {
		return base, nil
	}
	content, err := duo.MergeDCT(base, d.sectors[index], duo.Carry{
		Board:            v.memory.DeviceID,
		System:           v.memory.Came.Part2,
		DropKeys:         v.forgets(job.ForgetKeys),
		DropWiFi:         v.forgets(job.ForgetWiFi),
		DropClaim:        v.forgets(job.ForgetClaim),
		DropFlashModules: v.forgets(job.ForgetModules),
	})
	if errors.Is(err, duo.ErrOtherBoard) && v.job.Options.Record != "" {
		return base, nil // all of it is this board's own, what is on the board is not
	}
	if errors.Is(err, duo.ErrOtherBoard) {
		return content, job.Failf(job.ForeignDCT, "composing the factory DCT: %w", err)
	}
	if err != nil {
		return content, fmt.Errorf("composing the factory DCT: %w", err)
	}
	return content, nil
}

// baseSector is what the board's own is merged into: the factory's, or that of
// a record of this board.
func (v *visit) baseSector() (duo.Sector, error) {
	id := v.job.Options.Record
	if id == "" {
		return duo.FactorySector(), nil
	}
	record, err := v.book.Records.Record(id)
	if err != nil {
		return duo.Sector{}, err
	}
	defer record.Block.Clear()
	if record.Info.DeviceID == "" || record.Info.DeviceID != string(v.memory.DeviceID) {
		return duo.Sector{}, job.Failf(job.KeyOfOtherBoard, "record %s is of board %s, this is %s", id, nameOf(record.Info.DeviceID), nameOf(string(v.memory.DeviceID)))
	}
	saved, err := parse(record.Raw.Reveal(), versions{Bootloader: duo.Generation(record.Info.Bootloader), Part2: duo.VersionErased})
	if err != nil {
		return duo.Sector{}, job.Failf(job.NoSoundRecord, "record %s: it holds no raw DCT", id)
	}
	index, ok := saved.sectors.Current(saved.engine)
	if !ok {
		return duo.Sector{}, job.Failf(job.NoSoundRecord, "record %s: no copy of the DCT in it is sound", id)
	}
	return saved.sectors[index], nil
}

func (v *visit) writeFactory(ctx context.Context, say job.Say) (job.Outcome, error) {
	content, err := v.factoryContent()
	if err != nil {
		return job.Outcome{}, err
	}
	defer content.Clear()
	v.memory.Attempts++
	if err := v.writeRaw(ctx, say, content); err != nil {
		return job.Outcome{}, err
	}
	return job.Outcome{Detail: "a whole copy of the DCT"}, nil
}

func (v *visit) readFactoryBack(ctx context.Context, say job.Say) (job.Outcome, error) {
	content, err := v.factoryContent()
	if err != nil {
		return job.Outcome{}, err
	}
	defer content.Clear()
	after, err := v.read(ctx, say)
	if err != nil {
		return job.Outcome{}, err
	}
	defer after.raw.Clear()
	if want, got := content.Area().Reveal(), after.area.Reveal(); !bytes.Equal(want, got) {
		err := job.Failf(job.WriteNotVerified, "reading back: %w", differs(want, got))
		if v.memory.Attempts < writeTries {
			return job.Outcome{Detail: err.Error() + "; writing again", Next: stepWrite}, nil
		}
		return job.Outcome{}, err
	}
	found := after.inspect().PrivateKey
	v.memory.Written = found.Fingerprint
	v.memory.Keyless, v.memory.Stay = found.State == duo.PrivateKeyErased, false
	return job.Outcome{Detail: "what was read back is what was written"}, nil
}
