package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"duogateway/cloudsync"
	"duogateway/cloudsync/signature"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
)

// cancelTime bounds how long the desk waits for a step to give up: a gesture
// takes 3.5 s, and is carried to its end. Other messages wait as long.
const cancelTime = 10 * time.Second

var (
	errStopping  = errors.New("the station stops, and takes nothing in any more")
	errGivingUp  = errors.New("the step that runs has not given up yet: the wish to cancel is to come again")
	errLettersUp = errors.New("too much waits to be told")
)

// desk takes what comes in over MQTT: it has it admitted or refused and sees that
// the answer is stored before the message is acknowledged.
//
// A cancel of a job that runs is over when its step has given up, which may take
// longer than the desk can wait. Then the message is not acknowledged: the broker
// sends it again, also when the station has died meanwhile, and what has become
// of the job by then is the answer. So no wish to cancel gets lost.
type desk struct {
	policy  signature.Policy
	station *station.Station
	store   *keystore.Store
	parts   Parts
	closed  <-chan struct{} // closed when the station stops

	mu     sync.Mutex
	wishes map[string]*wish // to cancel, under way: one for each job that runs at most
	behind sync.WaitGroup
}

// wish is a cancel under way.
type wish struct {
	over   chan struct{} // closed when answer and err say how it ended
	answer job.Answer
	err    error
}

var _ cloudsync.Desk = (*desk)(nil)

// Request takes a request for a job. Nothing is taken when there is no room for
// an answer.
func (d *desk) Request(ctx context.Context, payload []byte, about cloudsync.Meta) error {
	stats, err := d.store.OutboxStats()
	if err != nil {
		return err
	}
	if stats.Full {
		return job.Failf(job.OutboxFull, "taking a request: %w", errLettersUp)
	}
	return d.reception().Request(ctx, payload, about)
}

// Cancel takes the wish to cancel a job.
func (d *desk) Cancel(ctx context.Context, id string, payload []byte, about cloudsync.Meta) error {
	return d.reception().Cancel(ctx, id, payload, about)
}

// reception is who looks at one message.
func (d *desk) reception() *cloudsync.Reception {
	one := &visit{desk: d}
	return &cloudsync.Reception{Policy: one, Station: one, Answers: d.store, Clock: d.parts.Clock, Log: d.parts.Log}
}

// visit is one message on its way through the desk.
type visit struct {
	*desk
	signer string // who has signed it; empty is nobody
}

// Read reads a request, and refuses what the station cannot judge. Of one whose
// sender is not known nothing is believed but the id: it must not spend an id
// that somebody else may sign for.
func (v *visit) Read(text []byte) (r job.Request, keyID string, err error) {
	r, keyID, err = v.policy.Read(text)
	switch {
	case keyID != "":
		v.signer = "key " + keyID
	case job.HasCode(err, job.NotAllowed):
		return job.Request{ID: r.ID, Source: r.Source}, "", err
	}
	if err != nil {
		return r, keyID, err
	}
	r, err = prepare(r, job.FromMQTT)
	return r, keyID, err
}

// AdmitRemote brings the request to the station.
func (v *visit) AdmitRemote(r job.Request, refusal error) (job.Answer, *job.Job, error) {
	if v.stopping() {
		return job.Answer{}, nil, errStopping
	}
	return v.station.AdmitSigned(r, v.signer, refusal)
}

// CancelRemote cancels a job.
func (d *desk) CancelRemote(id string) (job.Answer, error) {
	if d.stopping() {
		return job.Answer{}, errStopping
	}
	w := d.begin(id)
	limit := time.NewTimer(cancelTime)
	defer limit.Stop()
	select {
	case <-w.over:
		return w.answer, w.err
	case <-limit.C:
		return job.Answer{}, errGivingUp
	case <-d.closed:
		return job.Answer{}, errStopping
	}
}

// begin begins to cancel a job, or joins who has begun already.
func (d *desk) begin(id string) *wish {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.wishes[id]; w != nil {
		return w
	}
	w := &wish{over: make(chan struct{})}
	d.wishes[id] = w
	d.behind.Go(func() {
		defer close(w.over)
		w.answer, w.err = d.station.CancelRemote(id)
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.wishes, id)
	})
	return w
}

func (d *desk) stopping() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}
