package job

import "context"

// Plan is what a recipe makes of one job: its steps in order, and the memory
// that they share.
type Plan struct {
	Steps []Step

	// Memory points to what the steps remember. It is journalled as JSON with
	// the outcome of each step, so that a resumed job finds it again; it must
	// hold no secret.
	Memory any

	// Result tells what is known so far, for the job.
	Result func() Result

	// Close lets go of what the steps opened, and brings the board into a
	// state to rest in. It is called once, at the end of the walk, with the
	// state that the job has then: Running when the walk was broken off and
	// will be taken up.
	Close func(ctx context.Context, state State)
}

// Step is one journalled part of a job.
type Step struct {
	Name string

	// Writes says that the step changes the board: it begins only with the
	// board that the job began with, and it is not canceled half way.
	Writes bool

	// Again names earlier steps to repeat, in order, before a resumed job
	// takes this one up: the state of the world that it needs.
	Again []string

	// Do carries the step out. It may be carried out again after a crash, so
	// it must bear to find its own work done or half done.
	Do func(ctx context.Context, say Say) (Outcome, error)
}

// Say tells whoever watches how a step gets on. It is not journalled.
type Say func(text string, done, total int)

// Outcome is what a step that did not fail leaves behind.
type Outcome struct {
	Detail   string
	DeviceID string      // set once the board's id is known
	Records  []KeyRecord // stored in the same transaction as the outcome
	Audit    []AuditNote
	Next     string  // the step to go on with; empty means the next in order
	End      *Ending // the job is over
}

// Ending is how a job ends. A nil Fault means a pass.
type Ending struct {
	Proof Proof
	Fault *Report
}

// Verdict is what the ending says.
func (e Ending) Verdict() Verdict {
	if e.Fault == nil {
		return Pass
	}
	return e.Fault.Class.Verdict()
}
