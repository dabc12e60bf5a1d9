package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"duogateway/job"
)

// The exit codes are those of gatewayd.
const (
	exitPass     = 0
	exitInternal = 1 // usage or internal
	exitFail     = 2 // a board failed
	exitError    = 3 // the station failed
	exitRejected = 4 // the request was rejected
)

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// exitCode is the exit code of a command that returned err.
func exitCode(err error) int {
	var fault *job.FaultError
	switch {
	case err == nil:
		return exitPass
	case !errors.As(err, &fault):
		return exitInternal
	}
	switch job.Lookup(fault.Code).Class {
	case job.Unit:
		return exitFail
	case job.Demand:
		return exitRejected
	default:
		return exitError
	}
}

// complain prints an error, and what to do about it if that is known.
func complain(w io.Writer, err error) {
	var fault *job.FaultError
	var usage usageError
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(w, "virtualbench: interrupted")
	case errors.As(err, &usage):
		fmt.Fprintf(w, "virtualbench: %v\nTry: virtualbench --help\n", err)
	case errors.As(err, &fault):
		fmt.Fprintf(w, "virtualbench: %v\n              %s\n", err, job.Lookup(fault.Code).Hint)
	default:
		fmt.Fprintln(w, "virtualbench:", err)
	}
}
