package cloudsync

import (
	"context"
	"log/slog"

	"duogateway/job"
)

// Parts is what a link works with.
type Parts struct {
	Outbox   Outbox
	Desk     Desk
	Snapshot Snapshot
	Clock    job.Clock
	Log      *slog.Logger

	// Session raises and gives the session number of the station. It is asked
	// once for each connection.
	Session func() (uint64, error)
}

// Outbox holds what waits to be told, in order.
type Outbox interface {
	// Outbox lists the letters that wait, oldest first, at most limit of them.
	Outbox(limit int) ([]job.Letter, error)
	// Delivered deletes letters that have arrived.
	Delivered(numbers ...uint64) error
	// Changed gives a channel that gets a value, or is closed, when a letter
	// has come since it was given.
	Changed() <-chan struct{}
}

// Desk takes what comes in. It is called for one message at a time, in the
// order of arrival; a message may come several times. It returns soon: what
// takes long goes on behind it.
type Desk interface {
	// Request takes a request for a job. It returns nil once everything that
	// follows from it is stored: the job or its refusal, and the answer in the
	// outbox. With an error nothing was stored, and the broker will be made to
	// send the request again.
	Request(ctx context.Context, payload []byte, about Meta) error

	// Cancel takes the wish to cancel a job; the rules are those of Request. The
	// id is empty where it is to be found in the payload.
	Cancel(ctx context.Context, id string, payload []byte, about Meta) error
}

// Meta is what the broker says about a message.
type Meta struct {
	Topic     string
	Retained  bool // the broker has kept it, for how long nobody knows
	Duplicate bool // the broker has sent it before
	TooLong   bool // it is longer than allowed, and the payload is only its beginning
}

// Snapshot tells what holds now: what a broker keeps for whoever comes later.
type Snapshot interface {
	// Info describes the station.
	Info() (job.StationInfo, error)
	// Bays describes each bay.
	Bays() ([]job.BayState, error)
	// Changed is like that of [Outbox].
	Changed() <-chan struct{}
}
