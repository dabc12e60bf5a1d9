package recipe_test

import (
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

// plugged lists the jobs that boards got because they were plugged in, newest
// first, once all of them are over.
func plugged(r *rig.Rig) []job.Job {
	r.T.Helper()
	time.Sleep(5 * time.Minute)
	all, err := r.Store.Jobs(100)
	r.Must(err)
	var list []job.Job
	for _, j := range all {
		if j.Source == job.FromPlug {
			list = append(list, r.Wait(j.ID))
		}
	}
	return list
}

func wantPlugged(r *rig.Rig, want int, when string) []job.Job {
	r.T.Helper()
	list := plugged(r)
	if len(list) != want {
		r.T.Fatalf("%s there are %d jobs that nobody has asked for, want %d", when, len(list), want)
	}
	return list
}

// Every board gets one job each time it is plugged in, whatever its bootloader
// tells of it in DFU mode; the restarts that the job makes are no plugging in.
func TestPluggedIn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"r3", "r4", "r5", "r6"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				loader, err := virtualduo.BootloaderByName(name)
				if err != nil {
					t.Fatal(err)
				}
				board := usual
				board.Bootloader = loader
				r := rig.New(t, board)
				install(r, keyOf(t, 1))
				r.Config.OnPlug = "diagnose"
				r.Start()
				wantPlugged(r, 0, "with an empty bay")
				r.Board.PowerOn()
				j := wantPlugged(r, 1, "with a board")[0]
				ended(r, j, "")
				if j.Kind != job.Diagnose || j.DeviceID == "" || j.Result.Backup == "" {
					t.Errorf("the job is %+v", j)
				}
				r.Stop()
				r.Start()
				wantPlugged(r, 1, "after a restart of the station")
				r.Board.PowerOff()
				time.Sleep(15 * time.Second)
				r.Board.PowerOn()
				wantPlugged(r, 2, "after the board was plugged in again")
			})
		})
	}
}

// A board with a lost key gets it back without anybody asking, once.
func TestPluggedInAndRepaired(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, key := kept(t)
		r.Board.PowerOff()
		zeroed(r)
		r.Config.OnPlug = "repair"
		r.Start()
		time.Sleep(15 * time.Second)
		r.Board.PowerOn()
		ended(r, wantPlugged(r, 1, "with a board")[0], "")
		hasKey(r, key)
		checkStays(r, false)
	})
}

// A board that a job keeps in DFU mode is not tried again, until it was taken
// out and plugged in again.
func TestPluggedInAndKeptInDFU(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := running(t)
		erased(r)
		r.Config.OnPlug = "repair"
		r.Start()
		ended(r, wantPlugged(r, 1, "with a board")[0], job.NoSavedKey)
		r.Stop()
		r.Start()
		wantPlugged(r, 1, "after a restart of the station")
		if product(r.Board) != duo.ProductDFU {
			t.Error("the board is not kept in DFU mode")
		}
		r.Board.PowerOff()
		time.Sleep(15 * time.Second)
		intoDFU(r, r.Board)
		wantPlugged(r, 2, "after the board was plugged in again")
	})
}

// Who cancels such a job does not get another one, though the board restarts.
func TestPluggedInAndCanceled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, _ := running(t)
		r.Config.OnPlug = "repair"
		r.Gestures.Before = func() {
			all, err := r.Store.Jobs(1)
			r.Must(err)
			go func() { _ = r.Daemon.Station().Cancel(all[0].ID) }()
			time.Sleep(time.Millisecond) // the cancellation is accepted, and waits for the step
		}
		r.Start()
		if j := wantPlugged(r, 1, "with a board")[0]; j.State != job.Canceled {
			t.Errorf("the job is %s", j.State)
		}
		checkStays(r, false)
	})
}
