package recipe

import (
	"context"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/secret"
)

// dump is a board's raw DCT sectors, and what is current in them.
type dump struct {
	raw     secret.Bytes
	sectors duo.Sectors
	engine  duo.Engine // that keeps them
	area    duo.Area   // of the current copy
	block   duo.Block
	sound   bool // there is a current copy
}

// versions are those of a board that decide how its sectors are read.
type versions struct {
	Bootloader duo.Generation `json:"bootloader"`
	Part2      uint16         `json:"part2"`
}

// engine is the one whose copies lie in the sectors.
func (f versions) engine() duo.Engine { return duo.FirmwareEngine(f.Part2) }

func parse(raw []byte, of versions) (*dump, error) {
	sectors, err := duo.ParseRaw(raw, of.Bootloader)
	if err != nil {
		return nil, job.Failf(job.Internal, "reading the raw sectors: %w", err)
	}
	d := &dump{raw: secret.Of(raw), sectors: sectors, engine: of.engine()}
	if d.area, d.sound = sectors.CurrentArea(d.engine); d.sound {
		d.block, d.sound = d.area.Block()
	}
	return d, nil
}

// read reads the raw sectors from the board.
func (v *visit) read(ctx context.Context, say job.Say) (*dump, error) {
	raw, err := v.readSure(ctx, duo.RawStart, duo.RawSize, func(done, total int) {
		say("reading the DCT sectors", done, total)
	})
	if err != nil {
		return nil, err
	}
	return parse(raw, v.memory.versions)
}

// original is the board as it came, from its backup if this is a resumed job:
// what is on the board now may be half written.
func (v *visit) original() (*dump, error) {
	if v.dump != nil {
		return v.dump, nil
	}
	record, err := v.book.Records.Record(v.memory.Backup)
	if err != nil {
		return nil, err
	}
	v.dump, err = parse(record.Raw.Reveal(), v.memory.Came)
	return v.dump, err
}
