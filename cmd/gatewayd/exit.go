package main

import (
	"errors"
	"io/fs"

	"duogateway/daemon/client"
	"duogateway/job"
)

// The exit codes.
const (
	exitPass = iota
	exitInternal
	exitFail
	exitError
	exitRejected
	exitStopped
	exitUnreachable
)

// exitMeanings says what each exit code means, for the help text and the
// manual.
var exitMeanings = [...]string{
	exitPass:        "pass",
	exitInternal:    "usage or internal",
	exitFail:        "the board failed",
	exitError:       "the station failed",
	exitRejected:    "the request was rejected",
	exitStopped:     "canceled or timed out",
	exitUnreachable: "no daemon answers",
}

// jobEnded is the error of a command whose job did not pass.
type jobEnded struct{ job job.Job }

func (e jobEnded) Error() string { return "the job is " + string(e.job.State) }

// exitCode is the exit code of a command that returned err.
func exitCode(err error) int {
	var ended jobEnded
	var fault *job.FaultError
	var bad linkBad
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &bad):
		return exitError
	case errors.As(err, &ended):
		return jobExitCode(ended.job)
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	case errors.As(err, &fault):
		return verdictExitCode(job.Lookup(fault.Code).Class.Verdict())
	default:
		return exitInternal
	}
}

func jobExitCode(j job.Job) int {
	if j.State == job.Canceled || j.State == job.TimedOut {
		return exitStopped
	}
	return verdictExitCode(j.Verdict)
}

func verdictExitCode(v job.Verdict) int {
	switch v {
	case job.Pass:
		return exitPass
	case job.Fail:
		return exitFail
	case job.Denied:
		return exitRejected
	default:
		return exitError
	}
}

// hintFor says what to do about an error; empty when there is nothing to say.
func hintFor(err error) string {
	var fault *job.FaultError
	switch {
	case errors.As(err, &fault):
		return job.Lookup(fault.Code).Hint
	case errors.Is(err, fs.ErrPermission):
		return "You may not open the socket of the daemon. Join the group that owns it, or ask somebody who has."
	case errors.Is(err, client.ErrUnreachable):
		return "Is the daemon running? Start it with: systemctl start gatewayd, or name its socket with --socket."
	default:
		return ""
	}
}
