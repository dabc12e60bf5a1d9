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
