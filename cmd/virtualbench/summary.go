package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"duogateway/cmd/virtualbench/parts"
	"duogateway/job"
	"duogateway/virtual/remote"
)

// summary is what the demo ends with. The boards speak for themselves: what
// they hold and did is read from the bench, not from the station.
type summary struct {
	Bays []baySummary `json:"bays"`
}

type baySummary struct {
	Bay                 string      `json:"bay"`
	Verdict             job.Verdict `json:"verdict"`
	Proof               *job.Proof  `json:"proof"`
	Fault               *job.Code   `json:"fault"`
	RecordedFingerprint *string     `json:"recorded_fingerprint"` // of the record that was written
	BoardFingerprint    *string     `json:"board_fingerprint"`    // of the key that the board's firmware uses now
	BackupCommit        *uint64     `json:"backup_commit"`        // place in the order of events
	FirstWrite          *uint64     `json:"first_write"`          // likewise; null when nothing was written
	FactoryResets       int         `json:"factory_resets"`
	WiFiWipes           int         `json:"wifi_wipes"`

	hint string
}

func (s *scene) summarise(ctx context.Context, jobs map[string]job.Job, after uint64) (summary, error) {
	events, err := s.remote.Events(ctx)
	if err != nil {
		return summary{}, err
	}
	var all summary
	for _, bay := range []string{lostBay, hopelessBay} {
		board, err := s.remote.Board(bay)
		if err != nil {
			return summary{}, err
		}
		all.Bays = append(all.Bays, summariseBay(jobs[bay], board, events, after))
	}
	return all, nil
}

func summariseBay(j job.Job, board remote.State, events []remote.Event, after uint64) baySummary {
	b := baySummary{
		Bay:                 j.Bay,
		Verdict:             j.Verdict,
		Proof:               orNull(j.Proof),
		RecordedFingerprint: orNull(j.Result.RecordedFingerprint),
		BoardFingerprint:    orNull(board.Fingerprint),
		FactoryResets:       board.Counters.FactoryResets,
		WiFiWipes:           board.Counters.WiFiWipes,
	}
	if j.Fault != nil {
		b.Fault, b.hint = &j.Fault.Code, j.Fault.Hint
	}
	for _, e := range events {
		switch {
		case e.Number <= after:
		case b.BackupCommit == nil && parts.BackupCommitted(e, j.Bay):
			b.BackupCommit = &e.Number
		case b.FirstWrite == nil && parts.HostWrote(e, j.Bay):
			b.FirstWrite = &e.Number
		}
	}
	return b
}

func orNull[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func (s summary) write(out io.Writer) {
	fmt.Fprintln(out, "\nWhat the boards say now:")
	for _, b := range s.Bays {
		fmt.Fprintf(out, "  %s: %s\n", b.Bay, b.words())
		if b.Fault != nil {
			fmt.Fprintf(out, "         %s: %s\n", *b.Fault, b.hint)
		}
	}
}

func (b baySummary) words() string {
	text := "verdict " + string(b.Verdict)
	if b.Proof != nil {
		text += ", proof " + string(*b.Proof)
	}
	switch {
	case b.FirstWrite == nil:
		text += "; nothing was written"
	case b.BackupCommit != nil && *b.BackupCommit < *b.FirstWrite:
		text += fmt.Sprintf("; backed up (event %d) before the first write (event %d)", *b.BackupCommit, *b.FirstWrite)
	}
	if b.BoardFingerprint != nil && b.RecordedFingerprint != nil && *b.BoardFingerprint == *b.RecordedFingerprint {
		text += "; the board uses the saved key again"
	}
	return text + fmt.Sprintf("; %d factory resets, %d Wi-Fi wipes", b.FactoryResets, b.WiFiWipes)
}

// check says whether the demo showed what it is there to show.
func (s summary) check() error {
	lost, hopeless := s.Bays[0], s.Bays[1]
	var wrong []error
	expect := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	expect(lost.Verdict == job.Pass, "bay-1 was not repaired")
	expect(lost.BoardFingerprint != nil && lost.RecordedFingerprint != nil && *lost.BoardFingerprint == *lost.RecordedFingerprint, "bay-1 does not use the saved key")
	expect(lost.BackupCommit != nil && lost.FirstWrite != nil && *lost.BackupCommit < *lost.FirstWrite, "bay-1 was written before it was backed up")
	expect(hopeless.Verdict == job.Fail && hopeless.FirstWrite == nil, "bay-2 was not told apart")
	for _, b := range s.Bays {
		expect(b.FactoryResets == 0 && b.WiFiWipes == 0, b.Bay+" lost its program or its Wi-Fi")
	}
	return errors.Join(wrong...)
}
