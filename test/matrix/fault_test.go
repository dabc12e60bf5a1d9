package matrix_test

import (
	"bytes"
	"errors"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/station"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// fault is what goes wrong in a row of the table.
type fault struct {
	name   string
	seeded bool           // a seed decides when or how hard it strikes
	damage func(x *trial) // what has happened to the board before the station looks
	strike func(x *trial) // what happens when the job is about to be asked for
	during func(x *trial) // what happens while it runs; it returns soon

	spare  bool   // another board takes part
	stated bool   // whoever asks says which board it is, where it cannot tell
	lies   bool   // the board tells another id than its own
	replug bool   // the cure ends only with the board plugged in anew
	spoils string // why a factory reset cannot be helped; empty: there must be none
}

// setupGrounded is why nothing can be done about a shorted button.
const setupGrounded = "SETUP is on ground: whoever starts the board holds its button down, and the station cannot see the line"

func faults() []fault {
	return []fault{
		{name: "none"},

		{name: "power cut in a flash operation", seeded: true, strike: powerCut},
		{name: "power cut, back after a second", seeded: true, strike: both(powerCut, plugBack)},
		{name: "unplugged in a transfer", seeded: true, strike: unplug},
		{name: "unplugged, back after a second", seeded: true, strike: both(unplug, plugBack)},
		{name: "brown-out while a key is written", seeded: true, strike: broken(virtualduo.Faults{BrownOut: true})},
		{name: "hub drops", seeded: true, during: dropHub},

		{name: "some GETSTATUS stall", seeded: true, strike: broken(virtualduo.Faults{StallStatus: 0.05})},
		{name: "every GETSTATUS stalls", strike: broken(virtualduo.Faults{StallStatus: 1})},
		{name: "some writes are lost", seeded: true, strike: broken(virtualduo.Faults{LoseWrites: 0.5})},
		{name: "every write is lost", strike: broken(virtualduo.Faults{LoseWrites: 1})},
		{name: "some reads are zeros", seeded: true, strike: broken(virtualduo.Faults{ZeroReads: 0.05})},
		{name: "every read is zeros", strike: broken(virtualduo.Faults{ZeroReads: 1})},
		{name: "bit rot in DCT copy 1", seeded: true, strike: rot(0)},
		{name: "bit rot in DCT copy 2", seeded: true, strike: rot(1)},

		{name: "silent board", damage: broken(virtualduo.Faults{Silent: true})},
		{name: "board falls silent", seeded: true, during: fallSilent},
		{name: "RESET stuck low", strike: broken(virtualduo.Faults{Reset: virtualduo.StuckLow})},
		{name: "RESET stuck high", strike: broken(virtualduo.Faults{Reset: virtualduo.StuckHigh})},
		{name: "SETUP stuck low", strike: broken(virtualduo.Faults{Setup: virtualduo.StuckLow}), spoils: setupGrounded},
		{name: "SETUP stuck high", strike: broken(virtualduo.Faults{Setup: virtualduo.StuckHigh})},

		{name: "Photon in the bay", damage: restarted(virtualduo.Faults{Photon: true}), replug: true},
		{name: "foreign serial number", damage: restarted(virtualduo.Faults{Serial: foreignSerial}), lies: true, replug: true},
		{name: "foreign serial number in DFU mode", strike: broken(virtualduo.Faults{Serial: foreignSerial}), replug: true},
		{name: "same serial number twice", strike: twin, spare: true},
		{name: "another board in the bay", seeded: true, during: swap, spare: true, replug: true},
		{name: "wrong port", damage: wrongPort, replug: true},

		{name: "key zeroed", damage: zeroKey},
		{name: "key corrupt", damage: corruptKey},
		{name: "key erased", damage: eraseKey, stated: true},
		{name: "key misread", damage: misread},
		{name: "server key erased", damage: eraseServerKey},

		{name: "station crashes at a commit", seeded: true, strike: aboutToCrash, during: startAgain},
	}
}

// foreignSerial is the id of a board that nobody has.
const foreignSerial = "0123456789abcdef01234567"

func both(these ...func(*trial)) func(*trial) {
	return func(x *trial) {
		for _, do := range these {
			do(x)
		}
	}
}

// broken sets a board's faults, with a seed of the cell's own.
func broken(f virtualduo.Faults) func(*trial) {
	return func(x *trial) {
		f := f
		f.Seed = x.random.Uint64()
		x.Must(x.Board.SetFaults(f))
	}
}

// restarted is broken, and then the board enumerates anew.
func restarted(f virtualduo.Faults) func(*trial) {
	return both(broken(f), restart)
}

func restart(x *trial) {
	x.Board.PowerOff()
	x.Board.PowerOn()
	time.Sleep(5 * time.Second)
}

// mostOperations is a little more than a write of a whole copy takes, and
// mostTransfers than a job does.
const (
	mostOperations = 4200
	mostTransfers  = 250
)

func powerCut(x *trial) {
	broken(virtualduo.Faults{PowerCutAfter: 1 + x.random.IntN(mostOperations)})(x)
}

func unplug(x *trial) {
	broken(virtualduo.Faults{UnplugAfter: 1 + x.random.IntN(mostTransfers)})(x)
}

// plugBack gives the board its power back a second after it has lost it.
func plugBack(x *trial) {
	x.Board.OnEvent(func(e virtualduo.Event) {
		if e.What == virtualduo.Powered && e.Detail == "cut" {
			time.AfterFunc(time.Second, x.Board.PowerOn)
		}
	})
}

// soon is a moment in which a job is likely to be at work on a board.
func (x *trial) soon() time.Duration {
	return time.Duration(x.random.Int64N(int64(8 * time.Second)))
}

func dropHub(x *trial) {
	time.Sleep(x.soon())
	x.Must(x.Bench.DropHub(3 * time.Second))
}

func fallSilent(x *trial) {
	time.Sleep(x.soon())
	broken(virtualduo.Faults{Silent: true})(x)
}

func rot(which int) func(*trial) {
	return func(x *trial) {
		broken(virtualduo.Faults{RottenBits: 1 << x.random.IntN(12), RottenCopy: which})(x)
	}
}

// twin plugs a board with the same serial number into another port.
func twin(x *trial) {
	x.Must(x.Bench.SetOwnFaults(remote.Faults{Ports: map[string]string{rig.SpareBay: "1-1.4"}}))
	x.Must(x.Spare.SetFaults(virtualduo.Faults{Serial: x.id()}))
	x.Must(x.Spare.InstallKey(keyOf(otherKey).Fixed().Reveal()))
	x.Spare.PowerOn()
	time.Sleep(5 * time.Second)
}

// swapFrom is when a board may be put in the place of another without a chance
// that the station takes it for that one. Before, the gesture is being made, and
// bootloaders without a name (r3, r4) show nothing by which to tell.
const swapFrom = 2500 * time.Millisecond

// swap takes the board out and puts another one in its place, in DFU mode.
func swap(x *trial) {
	x.Must(x.Spare.InstallKey(keyOf(otherKey).Fixed().Reveal()))
	time.Sleep(swapFrom + x.soon())
	x.Board.PowerOff()
	x.Spare.SetSetup(true)
	x.Spare.PowerOn()
	time.Sleep(3400 * time.Millisecond)
	x.Spare.SetSetup(false)
}

func wrongPort(x *trial) {
	x.Must(x.Bench.SetOwnFaults(remote.Faults{Ports: map[string]string{rig.Bay: "1-1.4"}}))
	restart(x)
}

// corruptKey leaves the modulus of the key, and nothing behind it.
func corruptKey(x *trial) {
	field := x.Board.ApplicationDCT()[duo.PrivateKeyOffset:][:duo.PrivateKeyStored]
	for i := 145; i < len(field); i++ {
		field[i] ^= 0xFF
	}
	x.Lose(field)
}

// eraseKey leaves the board in DFU mode: running, it would make a new key.
func eraseKey(x *trial) {
	x.Board.PowerOff()
	x.Lose(duo.ResetBlob())
	x.Board.SetSetup(true)
	x.Board.PowerOn()
	time.Sleep(3400 * time.Millisecond)
	x.Board.SetSetup(false)
	time.Sleep(time.Second)
}

func misread(x *trial) { x.Must(x.Board.InstallKey(keyOf(misreadKey).Minimal().Reveal())) }

func eraseServerKey(x *trial) {
	x.Must(x.Board.WriteDCT(duo.ServerKeyOffset, bytes.Repeat([]byte{0xFF}, duo.ServerKeyLen)))
}

// untilCrash is how many commits a job surely makes, its admission included.
const untilCrash = 7

// aboutToCrash lets the journal end at a commit of the job, just before or just
// behind it. A backup comes first: the bench is not told of a commit that the
// station dies in.
func aboutToCrash(x *trial) {
	x.Do(job.Request{Kind: job.Backup})
	x.Stop()
	journal := &cut{at: 1 + x.random.IntN(untilCrash), lost: x.random.IntN(2) == 0, dead: make(chan struct{})}
	x.Journal = func(j station.Journal) station.Journal {
		journal.Journal = j
		return journal
	}
	x.crashed = journal.dead
	x.Start()
}

// startAgain starts the station anew once it has crashed.
func startAgain(x *trial) {
	select {
	case <-x.crashed:
	case <-time.After(longest):
		x.complain("the station has not crashed")
	}
	x.Stop()
	x.Journal = nil
	x.Start()
}

// cut is a journal that ends at commit number at: that one is still stored, or
// is lost, and nothing is stored after it.
type cut struct {
	station.Journal
	at    int
	lost  bool
	count int
	dead  chan struct{}
}

var errCrash = errors.New("the station crashes")

// Commit stores an entry until the end.
func (c *cut) Commit(e *job.Entry) error {
	c.count++
	if c.count < c.at || (c.count == c.at && !c.lost) {
		if err := c.Journal.Commit(e); err != nil {
			return err
		}
	}
	if c.count < c.at {
		return nil
	}
	if c.count == c.at {
		close(c.dead)
	}
	return errCrash
}
