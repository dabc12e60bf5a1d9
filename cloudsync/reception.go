package cloudsync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"

	"duogateway/job"
)

// Reception is the desk of a station: it reads what comes in, has it admitted or
// refused, and sees that the answer is on its way.
type Reception struct {
	Policy  Policy
	Station Station
	Answers Answers
	Clock   job.Clock
	Log     *slog.Logger
}

// Policy reads requests, and says who may ask for what.
type Policy interface {
	// Read reads a request; keyID is empty for one that is not signed. With an
	// error the request holds what of it can be believed.
	Read(text []byte) (r job.Request, keyID string, err error)
}

// Station admits jobs. An error means that nothing is known, and that nothing
// may be answered.
type Station interface {
	// AdmitRemote takes in a request, or refuses it for the given reason. It
	// gives the job that tells the answer; when there is none, the answer is to
	// be stored.
	AdmitRemote(r job.Request, refusal error) (job.Answer, *job.Job, error)
	// CancelRemote cancels a job. The answer is to be stored.
	CancelRemote(id string) (job.Answer, error)
}

// Answers puts answers into the outbox. It returns when they are on the disk.
type Answers interface {
	// Tell tells an answer.
	Tell(a job.Answer) error
	// Retell tells a job as it is now.
	Retell(id string, at job.Stamp) error
}

// Request takes a request.
func (r *Reception) Request(_ context.Context, payload []byte, about Meta) error {
	asked, keyID, refusal := r.Policy.Read(payload)
	switch {
	case about.TooLong:
		asked, refusal = job.Request{}, job.Failf(job.TooLarge, "the request has more than %d bytes", len(payload))
	case about.Retained:
		asked, refusal = job.Request{ID: asked.ID}, job.Failf(job.Retained, "the request was sent as a retained message")
	}
	answer, told, err := r.Station.AdmitRemote(asked, refusal)
	if err != nil {
		return err
	}
	r.Log.Info("request answered", "job", asked.ID, "key", keyID, "ruling", answer.Ruling, "again", about.Duplicate)
	switch {
	case told == nil:
		return r.tell(answer, payload)
	case answer.Ruling == job.Known:
		return r.Answers.Retell(told.ID, r.Clock.Now())
	default:
		return nil // the admission is told already
	}
}

// Cancel takes the wish to cancel a job.
func (r *Reception) Cancel(_ context.Context, id string, payload []byte, about Meta) error {
	if about.Retained {
		refusal := job.Failf(job.Retained, "the wish to cancel was sent as a retained message")
		return r.tell(job.Refusal(job.AskedCancel, id, refusal, r.Clock.Now()), payload)
	}
	answer, err := r.Station.CancelRemote(id)
	if err != nil {
		return err
	}
	return r.tell(answer, payload)
}

// tell stores an answer, with the digest of the message that it answers.
func (r *Reception) tell(answer job.Answer, payload []byte) error {
	digest := sha256.Sum256(payload)
	answer.RequestSHA256 = hex.EncodeToString(digest[:])
	return r.Answers.Tell(answer)
}

var _ Desk = (*Reception)(nil)
