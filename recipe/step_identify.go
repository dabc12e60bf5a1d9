package recipe

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// identify finds out which bootloader and which board this is.
func (v *visit) identify(ctx context.Context, _ job.Say) (job.Outcome, error) {
	if err := v.readVersions(ctx); err != nil {
		return job.Outcome{}, err
	}
	id, from := v.tellID()
	if v.memory.DeviceID != "" && id != "" && id != v.memory.DeviceID {
		return job.Outcome{}, job.Failf(job.BoardChanged, "the job began with board %s, this is %s", v.memory.DeviceID, id)
	}
	if stated := v.job.Options.DeviceID; stated != "" && id != "" && stated != string(id) {
		return job.Outcome{}, job.Failf(job.NotThisBoard, "the job is for board %s, this is %s", stated, id)
	}
	if v.memory.DeviceID == "" {
		v.memory.DeviceID = id
	}
	if _, tells := duo.DeviceIDFromSerial(v.device.Info().Serial); !tells && v.memory.Backup != "" {
		if err := v.recognise(ctx); err != nil {
			return job.Outcome{}, err
		}
	}
	out := job.Outcome{DeviceID: string(v.memory.DeviceID)}
	out.Detail = fmt.Sprintf("bootloader %v, %s", v.memory.Bootloader, from)
	return out, nil
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

func (v *visit) readVersion(ctx context.Context, addr uint32) (uint16, error) {
	raw, err := v.device.Read(ctx, duo.AltInternal, addr, 2, nil)
	if err != nil {
		return 0, usbFault(err)
	}
	return binary.LittleEndian.Uint16(raw), nil
}

// tellID takes the id from the bootloader, else from the firmware that ran on
// this board before the gesture, which tells the truth for old bootloaders
// too.
func (v *visit) tellID() (id duo.DeviceID, from string) {
	if id, ok := duo.DeviceIDFromSerial(v.device.Info().Serial); ok {
		return id, "board " + string(id)
	}
	if v.memory.RunningID != "" {
		return v.memory.RunningID, fmt.Sprintf("board %s, as its firmware says", v.memory.RunningID)
	}
	return "", "the bootloader does not tell which board"
}

// recognise makes sure that a board whose bootloader tells no id is the one that
// a resumed job began with, whoever named it then: all of its DCT but what we may have written is as in the backup.
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
		return job.Failf(job.BoardChanged, "the bootloader does not tell which board this is, and its DCT is not that of the board that the job began with")
	}
	return nil
}

// unwritten is a copy of an area without the block that jobs write. It holds
// no secret.
func unwritten(area duo.Area) []byte {
	before, _ := area.Field(0, duo.BlockOffset)
	behind, _ := area.Field(duo.BlockOffset+duo.BlockLen, duo.AreaSize-duo.BlockOffset-duo.BlockLen)
	return append(bytes.Clone(before), behind...)
}

// identifyByDump fills the id in from the DCT, or from the operator, for a
// board that has not told it. What the operator says is audited.
func (v *visit) identifyByDump(area duo.Area) ([]job.AuditNote, error) {
	inside, ok := area.DeviceID()
	switch {
	case v.memory.DeviceID != "":
		return nil, nil
	case ok:
		v.memory.DeviceID = inside
		return nil, nil
	case v.job.Options.DeviceID == "":
		return nil, nil
	}
	id, err := duo.ParseDeviceID(v.job.Options.DeviceID)
	if err != nil {
		return nil, job.Failf(job.BadRequest, "option device_id: %w", err)
	}
	v.memory.DeviceID = id
	return []job.AuditNote{{
		At: v.book.Clock.Now(), Job: v.job.ID, Who: string(v.job.Source),
		What: "device-id-stated", Detail: fmt.Sprintf("bay %s holds board %s", v.Name, id),
	}}, nil
}
