package job

import "encoding/json"

// Job is a request and what became of it.
type Job struct {
	Request
	State    State         `json:"state"`
	Version  uint64        `json:"version"` // raised by every transition
	Verdict  Verdict       `json:"verdict,omitempty"`
	Proof    Proof         `json:"proof,omitempty"`
	Fault    *Report       `json:"fault,omitempty"`
	Presence uint64        `json:"presence"`            // the attachment of the board that the job began with
	DeviceID string        `json:"device_id,omitempty"` // once it is known
	Step     string        `json:"step,omitempty"`      // the step that is intended or running
	Wrote    bool          `json:"wrote"`               // a write to the board was begun
	Resumes  int           `json:"resumes,omitempty"`   // how often it was interrupted and taken up again
	Steps    []StepOutcome `json:"steps"`
	Result   Result        `json:"result"`
	Admitted Stamp         `json:"admitted"`
	Started  *Stamp        `json:"started,omitempty"`
	Ended    *Stamp        `json:"ended,omitempty"`

	// Digest is that of the request, where the job does not keep all of it: one
	// that was rejected has no options, for a wrong option may hold a secret.
	Digest string `json:"request_digest,omitempty"`
}

// IsOf tells whether the job is what a request under its id asks for.
func (j Job) IsOf(r Request) bool {
	if j.Digest != "" {
		return j.Digest == r.Digest()
	}
	return j.Same(r)
}

// Refuse makes the job that remembers a request which was refused for good.
func Refuse(r Request, objection error, at Stamp) Job {
	j := Job{Request: r, Steps: []StepOutcome{}, Admitted: at, Digest: r.Digest()}
	j.Options = Options{}
	j.End(Denied, "", shortReport(objection), at)
	return j
}

// StepOutcome is one step of a job that is over.
type StepOutcome struct {
	Name    string `json:"name"`
	Started Stamp  `json:"started"`
	Ended   Stamp  `json:"ended"`
	Detail  string `json:"detail"`
	Failed  bool   `json:"failed,omitempty"`
}

// Result is what a job found and did.
type Result struct {
	Diagnosis           json.RawMessage `json:"diagnosis,omitempty"`            // as `gatewayd dct inspect --json` prints it
	Backup              string          `json:"backup,omitempty"`               // the record of the board as it came
	Record              string          `json:"record,omitempty"`               // the record that was written
	RecordedFingerprint string          `json:"recorded_fingerprint,omitempty"` // its key
	BoardFingerprint    string          `json:"board_fingerprint,omitempty"`    // the key that was read back, or found
}

// End puts the job into the final state that the verdict means.
func (j *Job) End(v Verdict, p Proof, fault *Report, at Stamp) {
	j.Verdict, j.Fault = v, fault
	if v == Pass {
		j.Proof = p
	}
	j.finish(v.State(), at)
}

// Stop puts the job into a final state without a verdict.
func (j *Job) Stop(s State, at Stamp) { j.finish(s, at) }

func (j *Job) finish(s State, at Stamp) {
	j.State, j.Step, j.Ended = s, "", &at
	j.Version++
}
