package main

import (
	"context"
	"encoding/base64"
	"fmt"

	"duogateway/daemon"
	"duogateway/daemon/client"
	"duogateway/duo"
	"duogateway/job"
)

// keysImportCmd is `gatewayd keys import`.
type keysImportCmd struct {
	keyFileFlags
	DeviceID string `name:"device-id" placeholder:"HEX" help:"The board that the key is of, 24 hex digits (default: the one that a dump names)."`
	JSON     bool   `name:"json" help:"Print the record as JSON."`
}

// Run gives the station the key of a file.
func (c keysImportCmd) Run(ctx context.Context, env environment, all *cli) error {
	found, err := c.open()
	if err != nil {
		return err
	}
	defer found.clear()
	key, _, err := duo.ReadPrivateKey(found.field.Reveal())
	if err != nil {
		return fmt.Errorf("%s: %w; gatewayd keys salvage may put it together again", c.File, err)
	}
	defer key.Clear()
	id, err := c.board(found)
	if err != nil {
		return err
	}
	station := client.New(all.Socket)
	defer station.Close()
	record, err := station.ImportKey(ctx, daemon.KeyImport{DeviceID: id, PrivateKey: base64.StdEncoding.EncodeToString(key.Fixed().Reveal())})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env, record)
	}
	_, err = fmt.Fprintf(env.stdout, "The key %.16s... of board %s is record %s.\nNobody has proven that it is that board's: a repair or restore writes it, and only the cloud can tell.\n",
		record.Fingerprint, record.DeviceID, record.ID)
	return err
}

// board is the id that was given, or that the dump holds; never another one.
func (c keysImportCmd) board(found boardKey) (string, error) {
	var inside duo.DeviceID
	if area, ok := found.sectors.CurrentArea(c.engine()); ok {
		inside, _ = area.DeviceID()
	}
	if c.DeviceID == "" && inside == "" {
		return "", job.Failf(job.BadRequest, "%s does not say which board its key is of: name it with --device-id", c.File)
	}
	if c.DeviceID == "" {
		return string(inside), nil
	}
	id, err := duo.ParseDeviceID(c.DeviceID)
	if err != nil {
		return "", job.Failf(job.BadRequest, "--device-id: %w", err)
	}
	if inside != "" && id != inside {
		return "", job.Failf(job.NotThisBoard, "%s is a dump of board %s, not of %s", c.File, inside, id)
	}
	return string(id), nil
}
