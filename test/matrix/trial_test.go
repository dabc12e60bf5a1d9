package matrix_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/secret"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

// trial is a cell at work.
type trial struct {
	cell
	*rig.Rig
	random *rand.Rand
	loader *virtualduo.Bootloader

	record     string // of the saved key
	before     seen   // when the job was asked for
	touched    []virtualduo.Event
	crashed    <-chan struct{} // closed when the station has
	complaints []string
}

// seen is a board as it was once, through its own eyes.
type seen struct {
	fingerprint string // of the key that its firmware would use
	area        []byte // the application DCT
	counters    virtualduo.Counters
}

func (x *trial) look() seen {
	return seen{x.Board.FirmwareFingerprint(), x.Board.ApplicationDCT(), x.Board.Counters()}
}

func (x *trial) complain(format string, args ...any) {
	x.complaints = append(x.complaints, fmt.Sprintf(format, args...))
}

// listen notes what a host does to the board's memories.
func (x *trial) listen() {
	x.Board.OnEvent(func(e virtualduo.Event) {
		switch e.What {
		case virtualduo.HostWrite, virtualduo.HostErase, virtualduo.HostRefused:
			x.touched = append(x.touched, e) // the board is locked
		}
	})
}

// prepare gives the board its own key and starts it; then it is as the kind
// needs it, with what the fault has done to it before it came to the station.
func (x *trial) prepare() {
	x.Must(x.Board.InstallKey(keyOf(ownKey).Fixed().Reveal()))
	x.Board.PowerOn()
	x.AwaitRunning()
	if x.kind.damage != nil {
		x.kind.damage(x)
	}
	if x.fault.damage != nil {
		x.fault.damage(x)
	}
}

// bringKey stores the saved key as a record of the board.
func (x *trial) bringKey() {
	block, err := duo.NewBlock(x.Board.ApplicationDCT()[duo.BlockOffset : duo.BlockOffset+duo.BlockLen])
	x.Must(err)
	key, now := keyOf(savedKey), job.Stamp{At: time.Now().UTC().Add(-time.Hour), Boot: rig.Boot}
	record := job.KeyRecord{
		Info: job.RecordInfo{
			DeviceID: x.id(), KeyState: "valid", Fingerprint: key.Fingerprint(),
			Stored: now, OfferedAt: &now, ProvenAt: &now,
		},
		Block: secret.Of(block.WithKey(key).Reveal()),
	}
	x.record = record.ContentID()
	x.Must(x.Store.Import([]job.KeyRecord{record}, job.AuditNote{Who: "test", What: "import"}))
}

// id is the board's.
func (x *trial) id() string {
	uid := x.Board.UID()
	return hex.EncodeToString(uid[:])
}

// carryOut asks for the job and waits for its end.
func (x *trial) carryOut() (job.Job, bool) {
	request := job.Request{ID: "the-job", Kind: x.kind.name, Bay: rig.Bay, Source: job.FromCommand}
	if x.kind.options != nil {
		request.Options = x.kind.options(x)
	}
	if x.fault.stated && !x.tellsID() {
		request.Options.DeviceID = x.id()
	}
	_, err := x.Daemon.Station().Admit(request)
	if x.fault.during != nil {
		x.fault.during(x)
		if err != nil { // nobody was told that it was admitted: it may be asked for again
			_, err = x.Daemon.Station().Admit(request)
		}
	}
	x.Must(err)
	return x.await(request.ID)
}

// tellsID says whether the board names itself in DFU mode.
func (x *trial) tellsID() bool { return x.loader.Serial(x.Board.UID()) != x.loader.Serial([12]byte{}) }

// await waits for the end of a job, and says false when there is none in time.
func (x *trial) await(id string) (j job.Job, over bool) {
	for began := time.Now(); time.Since(began) < longest; time.Sleep(time.Second) {
		var err error
		j, err = x.Daemon.Station().Job(id)
		x.Must(err)
		if j.State.Final() {
			return j, true
		}
	}
	return j, false
}
