package station

import (
	"fmt"

	"duogateway/job"
)

// recall finds the job that was admitted, or rejected, under a request's id.
// It fails with IDInUse when that was for another request.
func (s *Station) recall(r job.Request) (known job.Job, ok bool, err error) {
	b := s.bay(r.Bay)
	held := b != nil && b.holds(r.ID) // asked before the journal: a job that is let go of has gone on there
	known, _, ok, err = s.Journal.Job(r.ID)
	switch {
	case err != nil || !ok:
		return job.Job{}, false, err
	case !known.IsOf(r):
		return job.Job{}, false, job.Failf(job.IDInUse, "job id %q: it was another job, a %s on bay %s", r.ID, known.Kind, known.Bay)
	case b != nil && known.State == job.Queued && !held:
		b.enqueue(known.ID) // its admission was stored, though it seemed to fail
	}
	return known, true, nil
}

// objection is what speaks against a request that can be carried out in
// principle: its bay, or its time.
func (s *Station) objection(r job.Request) error {
	b := s.bay(r.Bay)
	if b == nil {
		return job.Failf(job.UnknownBay, "bay %q: this station has no such bay", r.Bay)
	}
	if err := b.isBroken(); err != nil {
		return job.Failf(job.StoreFailed, "bay %s is out of service: %w", b.Name, err)
	}
	if r.NotAfter == nil {
		return nil
	}
	now := s.Clock.Now()
	switch {
	case !now.Trusted:
		return job.Failf(job.ClockUntrusted, "the request holds until %s, and the station does not know what time it is", r.NotAfter)
	case now.At.After(*r.NotAfter):
		return job.Failf(job.Expired, "the request held until %s, it is %s", r.NotAfter, now.At)
	}
	return nil
}

// AdmitRemote takes in a request from elsewhere, which may come several times.
// refusal is what the caller has against it, nil for nothing; it does not touch
// a job that is known already.
//
// When it returns without an error, what it says is on the disk, unless the job
// is nil: then no job tells the answer, and the caller has to store it. An error
// is one of the journal. Nothing is known then, and nothing may be answered.
//
// An id is spent by what is admitted, and by what is refused for good: a repeat
// of the request gets the same job again. Where the station is to blame, as when
// its clock is not set, the request is refused and its id is free. So it is where
// the request has no more than an id, because the rest could not be read or
// cannot be trusted.
func (s *Station) AdmitRemote(r job.Request, refusal error) (job.Answer, *job.Job, error) {
	return s.AdmitSigned(r, "", refusal)
}

// AdmitSigned is AdmitRemote for a request that somebody has signed. Who that was
// is audited with what becomes of it; an empty signer is nobody.
func (s *Station) AdmitSigned(r job.Request, signer string, refusal error) (job.Answer, *job.Job, error) {
	if err := r.CheckForm(); err != nil {
		if refusal == nil {
			refusal = err
		}
		return s.refusal(r, refusal), nil, nil
	}
	s.admission.Lock()
	defer s.admission.Unlock()
	known, ok, err := s.recall(r)
	switch {
	case job.HasCode(err, job.IDInUse):
		return s.refusal(r, err), nil, nil
	case err != nil:
		return job.Answer{}, nil, err
	case ok:
		return s.answer(job.Known, known), &known, nil
	}
	if refusal == nil {
		refusal = remoteObjection(r)
	}
	if refusal == nil {
		refusal = s.objection(r)
	}
	if refusal != nil {
		return s.refuse(r, signer, refusal)
	}
	j, err := s.admit(s.bay(r.Bay), r, s.signed(r, signer)...)
	if err != nil {
		return job.Answer{}, nil, err
	}
	return s.answer(job.Accepted, j), &j, nil
}

// remoteObjection is what speaks against a request from elsewhere in itself.
func remoteObjection(r job.Request) error {
	if err := r.Check(); err != nil {
		return err
	}
	if r.NotAfter == nil {
		return job.Failf(job.NoExpiry, "the request has no not_after")
	}
	return nil
}

// signed is what the audit says of a request that somebody has signed.
func (s *Station) signed(r job.Request, signer string) []job.AuditNote {
	if signer == "" {
		return nil
	}
	detail := fmt.Sprintf("%s on bay %s, request %s", r.Kind, r.Bay, r.Digest())
	return []job.AuditNote{{At: s.Clock.Now(), Job: r.ID, Who: signer, What: "signed-request", Detail: detail}}
}

// refuse says no, and remembers it when it is for good.
func (s *Station) refuse(r job.Request, signer string, refusal error) (job.Answer, *job.Job, error) {
	report := job.ReportOf(refusal)
	s.Log.Info("request rejected", "job", r.ID, "bay", r.Bay, "kind", r.Kind, "source", r.Source, "code", report.Code, "error", report.Message)
	if report.Class != job.Demand {
		return s.refusal(r, refusal), nil, nil
	}
	now := s.Clock.Now()
	j := job.Refuse(r, refusal, now)
	event := job.Event{At: now, What: job.JobRejected, Job: j.ID, Bay: j.Bay, Detail: string(report.Code)}
	if err := s.commit(&job.Entry{Job: j, Events: []job.Event{event}, Audit: s.signed(r, signer)}); err != nil {
		return job.Answer{}, nil, err
	}
	return s.answer(job.Refused, j), &j, nil
}

func (s *Station) refusal(r job.Request, why error) job.Answer {
	return job.Refusal(job.AskedJob, r.ID, why, s.Clock.Now())
}

func (s *Station) answer(ruling job.Ruling, j job.Job) job.Answer {
	return job.Answer{To: job.AskedJob, ID: j.ID, Ruling: ruling, Fault: j.Fault, At: s.Clock.Now()}
}

// CancelRemote is Cancel for who asks from elsewhere, perhaps several times. It
// waits like Cancel. No job tells the answer: the caller has to store it. An
// error is one of the journal; then nothing may be answered.
func (s *Station) CancelRemote(id string) (job.Answer, error) {
	answer := job.Answer{To: job.AskedCancel, ID: id, Ruling: job.Accepted}
	if !job.ValidID(id) {
		return job.Refusal(job.AskedCancel, "", job.Failf(job.UnknownJob, "job %.64q: there is none", id), s.Clock.Now()), nil
	}
	err := s.Cancel(id)
	switch {
	case job.HasCode(err, job.TooLate):
		j, readErr := s.Job(id)
		if readErr != nil {
			return answer, readErr
		}
		if j.State != job.Canceled {
			return job.Refusal(job.AskedCancel, id, err, s.Clock.Now()), nil
		}
		answer.Ruling = job.Known
	case job.HasCode(err, job.UnknownJob):
		return job.Refusal(job.AskedCancel, id, err, s.Clock.Now()), nil
	case err != nil:
		return answer, err
	}
	answer.At = s.Clock.Now()
	return answer, nil
}
