// Package rig is a whole station on a virtual bench, inside one process: for
// tests that run in the fake time of a testing/synctest bubble. Everything is
// real but the kernel: the gestures run in a goroutine instead of a process.
//
// At the end of each test a rig checks what must hold in all of them: nothing
// was written before it was backed up, and no board lost its program or its
// Wi-Fi. It knows no scenario.
package rig

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"duogateway/cmd/virtualbench/parts"
	"duogateway/daemon"
	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// Bay is the name of the one bay of a rig.
const Bay = "bay-1"

// SpareBay is where the bench keeps a spare board: on the same port, so that
// the station takes it for what sits in its bay, but without lines.
const SpareBay = "spare"

// Boot is the boot id of a rig.
const Boot = "rig"

// Rig is a station and its bench. Its fields may be changed before Start.
type Rig struct {
	T        *testing.T
	Board    *virtualduo.Board
	Bench    *remote.Bench
	Gestures *Gestures
	Config   daemon.Config

	// Spare is another board on the port of the bay, without power; no line of
	// the station leads to it. Only a rig of NewWithSpare has one.
	Spare *virtualduo.Board

	// Journal may wrap the journal of the next Start, and Bus its USB bus.
	Journal func(station.Journal) station.Journal
	Bus     func(dfu.Bus) dfu.Bus

	// Spoils lets a test lose the board's program or its Wi-Fi on purpose.
	Spoils bool

	Store  *keystore.Store
	Daemon *daemon.Daemon
	Log    bytes.Buffer

	stop context.CancelFunc
	over chan struct{}
}

// New makes a rig with a board in its bay, without power. Everything is
// cleaned up, and checked, at the end of the test.
func New(t *testing.T, board virtualduo.Config) *Rig {
	t.Helper()
	r := &Rig{T: t, Board: virtualduo.New(board)}
	r.setUp(benchBay(Bay, r.Board, "GPIO17", "GPIO27"))
	return r
}

// NewWithSpare makes a rig with a spare board beside the one of New. Nothing
// may ever be written to it.
func NewWithSpare(t *testing.T, board, spare virtualduo.Config) *Rig {
	t.Helper()
	r := &Rig{T: t, Board: virtualduo.New(board), Spare: virtualduo.New(spare)}
	t.Cleanup(r.Spare.Close)
	r.setUp(benchBay(Bay, r.Board, "GPIO17", "GPIO27"), benchBay(SpareBay, r.Spare, "GPIO22", "GPIO23"))
	return r
}

func benchBay(name string, board *virtualduo.Board, reset, setup string) remote.Bay {
	return remote.Bay{Name: name, Board: board, Port: "1-1.1", Reset: reset, Setup: setup, Wiring: remote.FET}
}

func (r *Rig) setUp(bays ...remote.Bay) {
	t := r.T
	t.Helper()
	var err error
	r.Bench, err = remote.New(bays...)
	r.Must(err)
	folder := t.TempDir()
	r.Config = daemon.DefaultConfig()
	r.Config.Store, r.Config.Runtime = filepath.Join(folder, "store"), filepath.Join(folder, "run")
	r.Config.Keys.Escrow = "none"
	r.Config.Gesture.AskFirmware = false // most tests are about gestures
	r.Config.OnPlug = "off"              // tests ask for their jobs themselves
	r.Config.Bays = []daemon.BayConfig{{Name: Bay, Type: "duo", Chip: remote.ChipLabel, Reset: "GPIO17", Setup: "GPIO27", Wiring: "fet", Port: "1-1.1"}}
	r.Gestures = newGestures(r.Bench, r.Config.Gesture.Hold.Duration())
	t.Cleanup(func() {
		r.Stop()
		r.check()
		r.Board.Close()
	})
}

// Must ends the test on an error.
func (r *Rig) Must(err error) {
	r.T.Helper()
	if err != nil {
		r.T.Fatal(err)
	}
}

// Start starts the station on the store of the rig, as after a boot.
func (r *Rig) Start() {
	r.T.Helper()
	var err error
	r.Store, err = keystore.Open(r.Config.Store, keystore.Options{})
	r.Must(err)
	hardware := parts.Bench(r.Bench, Boot, slog.New(slog.NewTextHandler(&r.Log, nil)))
	hardware.Gestures = r.Gestures
	if r.Bus != nil {
		hardware.Bus = r.Bus(hardware.Bus)
	}
	noted := hardware.Journal
	hardware.Journal = func(j station.Journal) station.Journal {
		if r.Journal != nil {
			j = r.Journal(j)
		}
		return noted(j)
	}
	r.Daemon, err = daemon.New(r.Config, hardware, r.Store)
	r.Must(err)
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	r.over = make(chan struct{})
	go func() {
		defer close(r.over)
		r.Daemon.Work(ctx)
	}()
}

// Stop stops the station and closes its store.
func (r *Rig) Stop() {
	r.T.Helper()
	if r.stop == nil {
		return
	}
	r.stop()
	<-r.over
	r.stop = nil
	r.Must(r.Store.Check())
	r.Must(r.Store.Close())
}

// Submit asks for a job and ends the test if it is not admitted.
func (r *Rig) Submit(request job.Request) job.Job {
	r.T.Helper()
	request.Bay = Bay
	if request.Source == "" {
		request.Source = job.FromCommand
	}
	j, err := r.Daemon.Station().Admit(request)
	r.Must(err)
	return j
}

// Wait waits until a job is over.
func (r *Rig) Wait(id string) job.Job {
	r.T.Helper()
	for range 3000 {
		j, err := r.Daemon.Station().Job(id)
		r.Must(err)
		if j.State.Final() {
			return j
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.T.Fatalf("job %s is not over after five minutes\n%s", id, r.Log.String())
	return job.Job{}
}

// Do asks for a job and waits until it is over.
func (r *Rig) Do(request job.Request) job.Job {
	r.T.Helper()
	return r.Wait(r.Submit(request).ID)
}

// Commission gives the board a sound key and power, and waits for its
// firmware.
func (r *Rig) Commission() *duo.PrivateKey {
	r.T.Helper()
	key, err := duo.NewPrivateKey()
	r.Must(err)
	r.Must(r.Board.InstallKey(key.Fixed().Reveal()))
	r.Board.PowerOn()
	r.AwaitRunning()
	return key
}

// Lose puts data in place of the private key in both copies of the DCT, so that
// nothing of the old one is left.
func (r *Rig) Lose(data []byte) {
	r.T.Helper()
	for range 2 {
		r.Must(r.Board.WriteDCT(duo.PrivateKeyOffset, data))
	}
}

// AwaitRunning waits for the board's firmware on the bus.
func (r *Rig) AwaitRunning() {
	r.T.Helper()
	for range 1000 {
		if a, ok := r.Board.Attached(); ok && a.Product == duo.ProductRun {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.T.Fatal("the board's firmware does not come up")
}

// Keep saves the board's key by a backup job, and stops the station again.
func (r *Rig) Keep() {
	r.T.Helper()
	r.Start()
	if j := r.Do(job.Request{Kind: job.Backup}); j.Verdict != job.Pass {
		r.T.Fatalf("the backup is %s: %+v", j.State, j.Fault)
	}
	r.Stop()
}

// check is what must hold at the end of every test. // P1, P2
func (r *Rig) check() {
	r.T.Helper()
	counters := r.Board.Counters()
	if !r.Spoils && (counters.FactoryResets > 0 || counters.WiFiWipes > 0) {
		r.T.Errorf("%d factory resets, %d Wi-Fi wipes", counters.FactoryResets, counters.WiFiWipes)
	}
	if counters.Bricked > 0 {
		r.T.Error("the board is bricked")
	}
	events, err := r.Bench.Events(context.Background())
	r.Must(err)
	backedUp := false
	for _, e := range events {
		backedUp = backedUp || parts.BackupCommitted(e, Bay)
		if parts.HostWrote(e, Bay) && !backedUp {
			r.T.Errorf("event %d, %s %s: nothing was backed up before", e.Number, e.What, e.Detail)
		}
		if parts.HostWrote(e, SpareBay) {
			r.T.Errorf("event %d, %s %s: the spare board was written", e.Number, e.What, e.Detail)
		}
	}
}
