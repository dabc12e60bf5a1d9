package parts

import (
	"encoding/json"

	"duogateway/job"
	"duogateway/station"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// noted tells the bench of each commit, so that its one order of events shows
// what was stored before a board was written.
type noted struct {
	station.Journal
	bench remote.API
}

// commitNote is what the bench is told of a commit.
type commitNote struct {
	Bay     string `json:"commit_bay"`
	Job     string `json:"job"`
	Records int    `json:"records"` // key records of the board as it came
}

// Commit commits, and then notes it.
func (n noted) Commit(e *job.Entry) error {
	if err := n.Journal.Commit(e); err != nil {
		return err
	}
	text, err := json.Marshal(commitNote{Bay: e.Job.Bay, Job: e.Job.ID, Records: len(e.Records)})
	if err != nil {
		return err
	}
	return n.bench.Note(string(text))
}

// BackupCommitted tells whether an event is the commit of a backup of the
// board in a bay.
func BackupCommitted(e remote.Event, bay string) bool {
	var note commitNote
	return json.Unmarshal([]byte(e.Detail), &note) == nil && note.Bay == bay && note.Records > 0
}

// HostWrote tells whether an event is a write or an erase by the host on the
// board in a bay.
func HostWrote(e remote.Event, bay string) bool {
	return e.Bay == bay && (e.What == string(virtualduo.HostWrite) || e.What == string(virtualduo.HostErase))
}
