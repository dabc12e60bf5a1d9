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
	return job.Outcome{Detail: "the factory DCT, with " + v.carried(d)}, nil
}

func (v *visit) carried(d *dump) string {
	if !d.sound {
		return "nothing of the board's own: no copy of its DCT is sound"
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
	index, ok := d.sectors.Current(d.engine)
	if !ok {
		return duo.FactorySector(), nil
	}
	content, err := duo.MergeDCT(duo.FactorySector(), d.sectors[index], duo.Carry{
		Board:            v.memory.DeviceID,
		System:           v.memory.Came.Part2,
		DropKeys:         v.forgets(job.ForgetKeys),
		DropWiFi:         v.forgets(job.ForgetWiFi),
		DropClaim:        v.forgets(job.ForgetClaim),
		DropFlashModules: v.forgets(job.ForgetModules),
	})
	if errors.Is(err, duo.ErrOtherBoard) {
		return content, job.Failf(job.NotThisBoard, "composing the factory DCT: %w", err)
	}
	if err != nil {
		return content, fmt.Errorf("composing the factory DCT: %w", err)
	}
	return content, nil
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
