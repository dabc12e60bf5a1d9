package matrix_test

import (
	"bytes"
	"slices"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// checkJob checks what must hold after any job. That nothing was written before
// a backup, and that no program, no Wi-Fi and no board was lost, the rig checks.
func (x *trial) checkJob(j job.Job) {
	x.checkVerdict(j)
	x.checkKeys()
	x.checkLimits()
	x.checkCopies()
}

// checkVerdict wants a pass to be what the board's firmware finds, and anything
// else to be a fault that is true and says what to do.
func (x *trial) checkVerdict(j job.Job) {
	if j.Verdict == job.Pass {
		if err := x.kind.kept(x, j); err != nil {
			x.complain("the job passed, but %v", err)
		}
		// Of a key that the firmware misreads the job tells which one it is.
		told, has := j.Result.BoardFingerprint, x.Board.FirmwareFingerprint()
		if told != "" && told != has && (has != "" || told != keyOf(misreadKey).Fingerprint()) {
			x.complain("the job says that the board has key %.8q, it has %.8q", told, has)
		}
		return
	}
	if j.Fault == nil || j.Fault.Hint == "" || j.Verdict != j.Fault.Class.Verdict() || j.State != j.Verdict.State() {
		x.complain("the job is %s, verdict %q, fault %+v", j.State, j.Verdict, j.Fault)
		return
	}
	x.checkFault(*j.Fault)
}

// checkFault wants a fault to be true of the board: each one has sound system
// parts and a bootloader that is known.
func (x *trial) checkFault(f job.Report) {
	area := x.before.area
	untrue := map[job.Code]bool{
		job.KeyErased:           x.before.fingerprint != "",
		job.KeyDamaged:          x.keyWhole(),
		job.NoSavedKey:          !x.fault.lies, // the store has one
		job.KeyOfOtherBoard:     !x.fault.lies,
		job.NotThisBoard:        !x.fault.lies,
		job.ForeignDCT:          !x.fault.lies && x.sameID(area),
		job.ServerKeyBad:        bytes.HasPrefix(area[duo.ServerKeyOffset:], duo.ParticleServerKey()),
		job.DCTUnreadable:       !blank(area),
		job.WrongBoardType:      x.fault.name != "Photon in the bay",
		job.SystemParts:         true,
		job.UnknownBootloader:   true,
		job.NotParticleFirmware: true,
		job.Internal:            true,
	}
	if untrue[f.Code] {
		x.complain("this is not true: %s: %s", f.Code, f.Message)
	}
}

// sameID tells whether the DCT names the board, or none.
func (x *trial) sameID(area []byte) bool {
	uid := x.Board.UID()
	named := area[duo.DeviceIDOffset:][:duo.DeviceIDLen]
	return named[0] == 0xFF || bytes.Equal(named, uid[:])
}

// keyWhole tells whether the whole private key was there, also what the
// firmware does not look at.
func (x *trial) keyWhole() bool {
	_, _, err := duo.ReadPrivateKey(x.before.area[duo.PrivateKeyOffset:][:duo.PrivateKeyReserved])
	return err == nil && x.before.fingerprint != ""
}

// checkKeys wants every key that the board had on the board or in a record of
// it, the saved key still in its own, and no key made unasked. // P1, P5
func (x *trial) checkKeys() {
	if !x.saved(keyOf(savedKey).Fingerprint()) {
		x.complain("the saved key is lost")
	}
	if had := x.before.fingerprint; had != "" && had != x.Board.FirmwareFingerprint() && !x.saved(had) {
		x.complain("the key that the board had is lost")
	}
	if x.kind.name == job.Regenerate {
		return
	}
	if n := x.Board.Counters().KeyGenerations - x.before.counters.KeyGenerations; n > 0 {
		x.complain("the board has made %d keys", n)
	}
}

// saved tells whether a record of this board holds a key: as its own, or in raw
// sectors from which it can be put together again.
func (x *trial) saved(fingerprint string) bool {
	records, err := x.Store.AllRecords()
	x.Must(err)
	records = slices.DeleteFunc(records, func(r job.RecordInfo) bool {
		return r.DeviceID != "" && r.DeviceID != x.id() && !x.fault.lies
	})
	opened := func(r job.RecordInfo, is func(job.KeyRecord, string) bool) bool {
		record, err := x.Store.Record(r.ID)
		return err == nil && is(record, fingerprint)
	}
	return slices.ContainsFunc(records, func(r job.RecordInfo) bool { return r.Fingerprint == fingerprint && opened(r, holds) }) ||
		slices.ContainsFunc(records, func(r job.RecordInfo) bool { return opened(r, x.salvages) })
}

func holds(record job.KeyRecord, fingerprint string) bool {
	block, err := duo.NewBlock(record.Block.Reveal())
	if err != nil {
		return false
	}
	key, _, err := duo.ReadPrivateKey(block.PrivateKey().Reveal())
	return err == nil && key.Fingerprint() == fingerprint
}

func (x *trial) salvages(record job.KeyRecord, fingerprint string) bool {
	sectors, err := duo.ParseRaw(record.Raw.Reveal(), duo.Generation(x.loader.Version))
	if err != nil {
		return false
	}
	key, err := sectors.Salvage(x.engine())
	return err == nil && key.Fingerprint() == fingerprint
}

func (x *trial) engine() duo.Engine {
	if x.loader.EngineInParts {
		return duo.EngineNew
	}
	return duo.EngineOld
}

// checkLimits wants no byte sent that could harm a board. // P1
func (x *trial) checkLimits() {
	for _, e := range x.touched {
		if e.What == virtualduo.HostRefused && e.Length == 0 {
			continue // an erase that was refused names no length
		}
		if err := duo.CheckWrite(duo.Generation(x.loader.Version), e.Alt, e.Address, e.Length); err != nil {
			x.complain("%s: %v", e.What, err)
		}
	}
}

// checkCopies wants a sound copy of the DCT where there was one: without one
// the board begins anew, and its key is gone. // P1
func (x *trial) checkCopies() {
	if blank(x.before.area) {
		return
	}
	if blank(x.Board.ApplicationDCT()) {
		x.complain("no copy of the DCT is valid")
	}
	if n := x.Board.Counters().DCTDefaults - x.before.counters.DCTDefaults; n > 0 {
		x.complain("the board has begun %d DCTs anew", n)
	}
}

// blank is what an application DCT is without a valid copy.
func blank(area []byte) bool {
	return len(bytes.Trim(area, "\xFF")) == 0
}

// mend takes the fault away and repairs the board: there is a saved key, so it
// must end with a key of its own.
func (x *trial) mend() {
	x.cure()
	_, err := x.Daemon.Station().Admit(job.Request{
		ID: "the-repair", Kind: job.Repair, Bay: rig.Bay, Source: job.FromCommand,
		Options: job.Options{DeviceID: x.id()},
	})
	x.Must(err)
	was := x.Board.FirmwareFingerprint()
	j, over := x.await("the-repair")
	got := x.Board.FirmwareFingerprint()
	switch {
	case !over:
		x.complain("the repair afterwards is in step %s after %v", j.Step, longest)
	case j.Verdict != job.Pass:
		x.complain("the repair afterwards is %s: %+v", outcomeOf(j), j.Fault)
	case was != "" && got != was:
		x.complain("the repair afterwards put key %.8q over the sound key %.8q", got, was)
	case got == "":
		x.complain("the firmware cannot use the key after the repair")
	case !x.ours(got) && (x.kind.name != job.Regenerate || !x.saved(got)):
		x.complain("after the repair the board has key %.8q, which was never its own", got)
	}
	x.checkKeys()
	x.checkLimits()
	x.checkCopies()
}

// cure takes the fault away as a technician would, who unplugs no board that he
// need not: one whose key is erased would make a new one.
func (x *trial) cure() {
	x.Must(x.Board.SetFaults(virtualduo.Faults{}))
	x.Must(x.Bench.SetOwnFaults(remote.Faults{}))
	if x.fault.replug {
		if x.fault.spare {
			x.Spare.PowerOff()
		}
		x.Board.PowerOff()
		time.Sleep(15 * time.Second) // the station sees the bay empty
	}
	x.Board.PowerOn()
	for range 75 {
		if _, there := x.Board.Attached(); there {
			return
		}
		time.Sleep(time.Second)
	}
}
