package job

import (
	"errors"
	"fmt"
	"slices"
)

// Class says who has to act on a fault.
type Class string

// The classes.
const (
	Unit    Class = "unit"    // the board
	Station Class = "station" // this station
	Demand  Class = "request" // whoever asked
)

// Verdict is what a job that ends with a fault of this class says.
func (c Class) Verdict() Verdict {
	switch c {
	case Unit:
		return Fail
	case Demand:
		return Denied
	default:
		return Error
	}
}

// Code names a fault. Codes are stable: scripts and schemas depend on them.
type Code string

// Fault is one row of the fault table.
type Fault struct {
	Code      Code   `json:"code"`
	Class     Class  `json:"class"`
	Retryable bool   `json:"retryable"` // the same job may succeed if asked again
	Hint      string `json:"hint"`      // what the technician does next
}

// Report is a fault that happened.
type Report struct {
	Fault
	Message string `json:"message"` // what was being done and what went wrong
}

// FaultError is an error that belongs to the fault table.
type FaultError struct {
	Code Code
	Err  error
}

// Error is what happened, without the hint.
func (e *FaultError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *FaultError) Unwrap() error { return e.Err }

// Failf makes an error with a fault code. The format is that of fmt.Errorf.
func Failf(code Code, format string, args ...any) error {
	return &FaultError{Code: code, Err: fmt.Errorf(format, args...)}
}

// Lookup finds the row of a code; an unknown code is an internal fault.
func Lookup(code Code) Fault {
	for _, f := range faults {
		if f.Code == code {
			return f
		}
	}
	return Lookup(Internal)
}

// ReportOf turns any error into a report. Errors that carry no code are
// internal faults: a part forgot to say what it means.
func ReportOf(err error) Report {
	var known *FaultError
	if errors.As(err, &known) {
		return Report{Fault: Lookup(known.Code), Message: err.Error()}
	}
	return Report{Fault: Lookup(Internal), Message: err.Error()}
}

// HasCode tells whether err carries this code.
func HasCode(err error, code Code) bool {
	var known *FaultError
	return errors.As(err, &known) && known.Code == code
}

// Faults is the whole table, in the order in which the manual shows it.
func Faults() []Fault { return slices.Clone(faults) }
