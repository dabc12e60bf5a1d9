package recipe

import (
	"bytes"
	"context"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// identify finds out which bootloader and which board this is. What an earlier
// run of the job was told is believed only of a board that is known again.
func (v *visit) identify(ctx context.Context, _ job.Say) (job.Outcome, error) {
	if err := v.readVersions(ctx); err != nil {
		return job.Outcome{}, err
	}
	id, from := v.tellID()
	switch {
	case id != "":
		if err := v.checkID(id); err != nil {
			return job.Outcome{}, err
		}
		v.memory.DeviceID = id
	case v.memory.Backup != "":
		if err := v.recognise(ctx); err != nil {
			return job.Outcome{}, err
		}
	default:
		v.memory.DeviceID = ""
	}
	out := job.Outcome{DeviceID: string(v.memory.DeviceID)}
	out.Detail = fmt.Sprintf("bootloader %v, %s", v.memory.Bootloader, from)
	return out, nil
}

// checkID refuses another board than the job is for, or has begun with.
func (v *visit) checkID(id duo.DeviceID) error {
	if v.memory.DeviceID != "" && id != v.memory.DeviceID {
		v.forget()
		return job.Failf(job.BoardChanged, "the job began with board %s, this is %s", v.memory.DeviceID, id)
	}
	if stated, _ := v.stated(); stated != "" && stated != id {
		return job.Failf(job.NotThisBoard, "the job is for board %s, this is %s", stated, id)
	}
	return nil
}

// stated is the id that the operator gave; empty when there is none.
func (v *visit) stated() (duo.DeviceID, error) {
	if v.job.Options.DeviceID == "" {
		return "", nil
	}
	id, err := duo.ParseDeviceID(v.job.Options.DeviceID)
	if err != nil {
		return "", job.Failf(job.BadRequest, "option device_id: %w", err)
	}
	return id, nil
}

// forget drops what was decided about how to leave the board that the job began
// with: another one is in its place.
func (v *visit) forget() {
	v.memory.Entered, v.memory.Keyless, v.memory.Stay = v.entered, false, false
}

func (v *visit) readVersions(ctx context.Context) error {
	bootloader, err := v.readVersion(ctx, duo.VersionAddrBootloader)
	if err != nil {
		return err
	}
	if v.memory.Bootloader, err = duo.ParseGeneration(bootloader); err != nil {
		return job.Failf(job.UnknownBootloader, "reading the bootloader's version: %w", err)
	}
	v.memory.Part2, err = v.readVersion(ctx, duo.VersionAddrPart2)
	return err
}

// tellID takes the id from the bootloader, else from the firmware that ran on
// this board before the gesture of this run, which tells the truth for old
// bootloaders too.
func (v *visit) tellID() (id duo.DeviceID, from string) {
	if id, ok := duo.DeviceIDFromSerial(v.device.Info().Serial); ok {
		return id, "board " + string(id)
	}
	if v.runningID != "" {
		return v.runningID, fmt.Sprintf("board %s, as its firmware says", v.runningID)
	}
	return "", "the bootloader does not tell which board"
}

// recognise makes sure that a board that nobody can name now is the one that a
// resumed job began with: its DCT is as in the backup, but for what the job may
// have written.
func (v *visit) recognise(ctx context.Context) error {
	before, err := v.original()
	if err != nil {
		return err
	}
	now, err := v.read(ctx, func(string, int, int) {})
	if err != nil {
		return err
	}
	defer now.raw.Clear()
	if !bytes.Equal(unwritten(before.area), unwritten(now.area)) {
		v.forget()
		return job.Failf(job.BoardChanged, "the bootloader does not tell which board this is, and its DCT is not that of the board that the job began with")
	}
	return nil
}

// unwritten is a copy of an area without the block that jobs write, and without
// the system flags: the bootloaders that tell no id keep them here, and change
// them whenever a board leaves DFU mode. It holds no secret.
func unwritten(area duo.Area) []byte {
	const flagsEnd, blockEnd = duo.SystemFlagsOffset + duo.SystemFlagsLen, duo.BlockOffset + duo.BlockLen
	before, _ := area.Field(flagsEnd, duo.BlockOffset-flagsEnd)
	behind, _ := area.Field(blockEnd, duo.AreaSize-blockEnd)
	return append(bytes.Clone(before), behind...)
}

// identifyByDump fills the id in from the DCT, or from the operator, for a
// board that has not told it. What the operator says is audited.
func (v *visit) identifyByDump(area duo.Area) ([]job.AuditNote, error) {
	if v.memory.DeviceID != "" {
		return nil, nil
	}
	if inside, ok := area.DeviceID(); ok {
		if err := v.checkID(inside); err != nil {
			return nil, err
		}
		v.memory.DeviceID = inside
		return nil, nil
	}
	stated, err := v.stated()
	if err != nil || stated == "" {
		return nil, err
	}
	v.memory.DeviceID = stated
	return []job.AuditNote{{
		At: v.book.Clock.Now(), Job: v.job.ID, Who: string(v.job.Source),
		What: "device-id-stated", Detail: fmt.Sprintf("bay %s holds board %s", v.Name, stated),
	}}, nil
}
