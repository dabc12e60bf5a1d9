package job

// State is where a job is in its life.
type State string

// The states. A job starts queued and ends in exactly one final state.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded" // verdict pass
	Failed    State = "failed"    // verdict fail or error
	Rejected  State = "rejected"  // verdict rejected
	Canceled  State = "canceled"  // no verdict
	TimedOut  State = "timed_out" // no verdict; only before the first write
)

// Final tells whether a job in this state is over for good.
func (s State) Final() bool { return s != Queued && s != Running }

// Verdict is what a finished job says.
type Verdict string

// The verdicts.
const (
	Pass   Verdict = "pass"
	Fail   Verdict = "fail"     // the board is bad
	Error  Verdict = "error"    // the station is
	Denied Verdict = "rejected" // the request is
)

// State is the final state that belongs to the verdict.
func (v Verdict) State() State {
	switch v {
	case Pass:
		return Succeeded
	case Denied:
		return Rejected
	default:
		return Failed
	}
}

// Proof is how sure a pass is.
type Proof string

// The proofs.
const (
	NotConfigured Proof = "not-configured" // no cloud is configured: the board runs, more is not known
	Awaited       Proof = "awaited"
	Unproven      Proof = "unproven"
	Proven        Proof = "proven"
)
