package station

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"duogateway/job"
)

// Journal keeps jobs. Commit stores all of an entry or nothing, and returns
// when it is on the disk; it is called by several goroutines. After an error
// of Commit it is not sure which of both happened: whoever carries the job out
// does nothing more with it.
type Journal interface {
	// Commit stores an entry.
	Commit(*job.Entry) error
	// Job finds a job and what its steps remembered, and says false when there
	// is none of that id.
	Job(id string) (found job.Job, memory json.RawMessage, ok bool, err error)
	// Unfinished lists the jobs that are not final, in the order of admission.
	Unfinished() ([]job.Job, error)
	// Bay tells the highest number of a presence that a job saw in a bay, and
	// the id of its last job; both are zero for a bay without jobs.
	Bay(name string) (presence uint64, lastJob string, err error)
}

// Finder tells what is on the bus now. It is called often and by several
// goroutines.
type Finder interface {
	// Devices lists all devices on the ports of the bays.
	Devices(ctx context.Context) ([]Device, error)
}

// Device is something on the bus.
type Device struct {
	Port  string // where it is plugged in, as bays name ports
	ID    string // the device id that it tells; empty when it tells none
	Name  string // for people: what it seems to be
	Board bool   // it is a board that the jobs of a station are for
}

// Recipes makes the plan of a job. An error rejects the job.
type Recipes func(job.Job) (*job.Plan, error)

// Bay is one cradle.
type Bay struct {
	Name string
	Port string // see Finder

	// OnPlug is the kind of job that a board gets when it is plugged in, once
	// in each presence in which nobody else asks for one. Empty means none.
	OnPlug job.Kind
}

// Config is what a station is made of.
type Config struct {
	Bays    []Bay
	Finder  Finder
	Journal Journal
	Recipes Recipes
	Clock   job.Clock
	Log     *slog.Logger

	// JobLimit bounds the time from the start of a job to its first write. A
	// job that takes longer is timed out. 0 means DefaultJobLimit.
	JobLimit time.Duration
}

// DefaultJobLimit leaves room for two gestures, each behind a minute of rest.
const DefaultJobLimit = 10 * time.Minute

// mostResumes is how often a job may be interrupted before it is given up: it
// may be the job itself that brings the station down.
const mostResumes = 5
