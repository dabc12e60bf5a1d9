package matrix_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"duogateway/duo"
	"duogateway/job"
)

// kind is a kind of job: what the board needs for it to have something to do,
// and what a pass promises.
type kind struct {
	name    job.Kind
	damage  func(x *trial) // nil: the board is sound
	options func(x *trial) job.Options
	kept    func(x *trial, j job.Job) error // the promise, by the board's own eyes
}

// newServer is the address that a server-key job writes.
const newServer = "10.0.0.7"

// kinds has one of each that the station knows.
func kinds() []kind {
	return []kind{
		{name: job.Diagnose, kept: soundAndUntouched},
		{name: job.Backup, kept: sealed},
		{name: job.Repair, damage: zeroKey, kept: repaired},
		{name: job.Restore, options: restoreSaved, kept: hasSavedKey},
		{name: job.Regenerate, kept: hasNewKey},
		{name: job.ServerKey, options: toNewServer, kept: servedAt(newServer)},
		{name: job.FactoryDCT, damage: serverElsewhere, kept: servedAt(duo.DefaultHost)},
		{name: job.Flash, options: flashUser, kept: hasUserPart},
	}
}

func zeroKey(x *trial) { x.Lose(make([]byte, duo.PrivateKeyReserved)) }

// serverElsewhere makes a DCT that is not the factory's.
func serverElsewhere(x *trial) {
	address, err := duo.EncodeServerAddress("10.0.0.8", 0)
	x.Must(err)
	x.Must(x.Board.WriteDCT(duo.ServerAddressOffset, address))
}

func restoreSaved(x *trial) job.Options { return job.Options{Record: x.record} }

func toNewServer(*trial) job.Options { return job.Options{ServerHost: newServer} }

// flashUser gives the station the board's factory image to write as its
// application.
func flashUser(x *trial) job.Options {
	image := userPart(x)
	sum := sha256.Sum256(image)
	name := hex.EncodeToString(sum[:])
	folder := x.Config.ImagesFolder()
	x.Must(os.MkdirAll(folder, 0o700))
	x.Must(os.WriteFile(filepath.Join(folder, name), image, 0o600))
	return job.Options{Images: []job.Image{{SHA256: name}}}
}

func userPart(x *trial) []byte {
	slot := x.Board.SerialFlash()[duo.AddrFactory:]
	info, err := duo.ParseModuleInfo(slot)
	x.Must(err)
	return slot[:info.Len()+4] // its CRC stands behind it
}

func soundAndUntouched(x *trial, j job.Job) error {
	if x.before.fingerprint == "" {
		return fmt.Errorf("the firmware cannot use the key")
	}
	return untouched(x, j)
}

func untouched(x *trial, _ job.Job) error {
	if len(x.touched) > 0 {
		return fmt.Errorf("the host wrote: %+v", x.touched)
	}
	return nil
}

// sealed wants the key area as the board had it.
func sealed(x *trial, j job.Job) error {
	record, err := x.Store.Record(j.Result.Backup)
	if err != nil {
		return err
	}
	if !bytes.Equal(record.Block.Reveal(), x.before.area[duo.BlockOffset:duo.BlockOffset+duo.BlockLen]) {
		return fmt.Errorf("the backup is not the board's key area")
	}
	return untouched(x, j)
}

// repaired wants the board's own key if it was sound or could be put together
// again, else the saved one, and a server to talk to.
func repaired(x *trial, j job.Job) error {
	got := x.Board.FirmwareFingerprint()
	switch {
	case got == "":
		return fmt.Errorf("the firmware cannot use the key")
	case x.before.fingerprint != "" && got != x.before.fingerprint:
		return fmt.Errorf("the key was sound, and is another one now")
	case !x.ours(got):
		return fmt.Errorf("key %.8q was never this board's", got)
	}
	if field := x.Board.ApplicationDCT()[duo.ServerKeyOffset:]; !bytes.HasPrefix(field, duo.ParticleServerKey()) {
		return fmt.Errorf("the server key is not sound")
	}
	return nil
}

// ours tells whether a key was on this board or in the store for it.
func (x *trial) ours(fingerprint string) bool {
	for _, seed := range []uint64{savedKey, ownKey, misreadKey} {
		if fingerprint == keyOf(seed).Fingerprint() {
			return true
		}
	}
	return fingerprint != "" && fingerprint == x.before.fingerprint
}

func hasSavedKey(x *trial, _ job.Job) error {
	if got := x.Board.FirmwareFingerprint(); got != keyOf(savedKey).Fingerprint() {
		return fmt.Errorf("the board has key %.8q, not the saved one", got)
	}
	return nil
}

// hasNewKey wants one key that the board has made, and a record of it.
func hasNewKey(x *trial, j job.Job) error {
	made := x.Board.FirmwareFingerprint()
	if made == "" || x.ours(made) {
		return fmt.Errorf("the board has key %.8q, not a new one", made)
	}
	record, err := x.Store.Record(j.Result.Record)
	if err != nil {
		return err
	}
	if record.Info.Fingerprint != made {
		return fmt.Errorf("record %s holds key %.8q, the board has %.8q", j.Result.Record, record.Info.Fingerprint, made)
	}
	if n := x.Board.Counters().KeyGenerations - x.before.counters.KeyGenerations; n != 1 {
		return fmt.Errorf("the board has made %d keys", n)
	}
	return nil
}

// servedAt wants an address and the key as it was.
func servedAt(host string) func(*trial, job.Job) error {
	return func(x *trial, _ job.Job) error {
		field := x.Board.ApplicationDCT()[duo.ServerAddressOffset:][:duo.ServerAddressReserved]
		if address := duo.ParseServerAddress(field); address.Host != host {
			return fmt.Errorf("the address is %+v", address)
		}
		return sameKey(x)
	}
}

func hasUserPart(x *trial, _ job.Job) error {
	want := userPart(x)
	at := duo.AddrUser - duo.InternalStart
	if !bytes.Equal(x.Board.Flash()[at:][:len(want)], want) {
		return fmt.Errorf("the application is not the one that was to be written")
	}
	return sameKey(x)
}

func sameKey(x *trial) error {
	if got := x.Board.FirmwareFingerprint(); got != x.before.fingerprint {
		return fmt.Errorf("the board has key %.8q, it had %.8q", got, x.before.fingerprint)
	}
	return nil
}
