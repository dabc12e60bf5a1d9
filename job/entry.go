package job

import "encoding/json"

// Entry is one transaction of the journal: all of it is stored, or nothing.
type Entry struct {
	Job     Job             // as it is after this entry
	Memory  json.RawMessage // what the steps remember; no secret may be in it
	Records []KeyRecord     // new key records
	Events  []Event         // what happened, in order; the store numbers them
	Audit   []AuditNote     // who did what, for the record
}

// Event is one thing that happened, for whoever watches the station.
type Event struct {
	Number uint64    `json:"number"` // one series for the whole store, without gaps
	At     Stamp     `json:"at"`
	What   EventKind `json:"what"`
	Job    string    `json:"job,omitempty"`
	Bay    string    `json:"bay,omitempty"`
	Step   string    `json:"step,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Gap    Gap       `json:"gap,omitzero"` // only of events-dropped
}

// Gap is a range of event numbers of which some are never told, for there was
// no room to keep them until somebody listens. Count of the numbers From to To
// are missing; the others are told.
type Gap struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Count uint64 `json:"count"`
}

// Join makes one gap of two.
func (g Gap) Join(other Gap) Gap {
	switch {
	case g.Count == 0:
		return other
	case other.Count == 0:
		return g
	}
	return Gap{From: min(g.From, other.From), To: max(g.To, other.To), Count: g.Count + other.Count}
}

// EventKind is what an event tells.
type EventKind string

// The kinds of events.
const (
	JobAdmitted  EventKind = "job-admitted"
	JobStarted   EventKind = "job-started"
	JobResumed   EventKind = "job-resumed"
	StepDone     EventKind = "step-done"
	StepFailed   EventKind = "step-failed"
	RecordStored EventKind = "record-stored"
	JobEnded     EventKind = "job-ended"
	JobRejected  EventKind = "job-rejected" // a request was refused for good

	EventsDropped EventKind = "events-dropped"
)

// Progress tells whether the newest state of the job says as much: such events
// are the first to go when there is no room.
func (k EventKind) Progress() bool {
	switch k {
	case JobAdmitted, JobStarted, JobResumed, StepDone, StepFailed:
		return true
	default:
		return false
	}
}

// AuditNote is a line of the audit: a use of somebody's key, or a statement
// that the station took on trust.
type AuditNote struct {
	At     Stamp  `json:"at"`
	Job    string `json:"job,omitempty"`
	Who    string `json:"who"`
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
}
