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
)

// AuditNote is a line of the audit: a use of somebody's key, or a statement
// that the station took on trust.
type AuditNote struct {
	At     Stamp  `json:"at"`
	Job    string `json:"job,omitempty"`
	Who    string `json:"who"`
	What   string `json:"what"`
	Detail string `json:"detail,omitempty"`
}
