package gpio

import (
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"syscall"
)

// RunChild is the gesture's process: it claims the lines by open, makes the
// one gesture that its argument asks for, prints a line of JSON on stdout and
// returns the exit code, 0 or 1. Warnings go to stderr. args is what [Runner]
// added to its Command.
//
// It ignores every signal that asks a process to end: the gesture ends by
// itself within seconds, and safely only so.
func RunChild(args []string, open OpenPin, stdout, stderr io.Writer) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGABRT, syscall.SIGPIPE, syscall.SIGTSTP)
	if err := becomeRealtime(); err != nil {
		warn(stderr, "go on without real-time priority", err)
	}
	asked, err := parseRequest(args)
	if err != nil {
		return tell(stdout, stderr, newReport(Ending{}, err))
	}
	child, err := newChild(asked, open)
	if err != nil {
		return tell(stdout, stderr, newReport(Ending{}, err))
	}
	return perform(asked.Act, child, stdout, stderr)
}

func newChild(asked request, open OpenPin) (*Child, error) {
	clock, err := SystemClock()
	if err != nil {
		return nil, err
	}
	self, err := selfID()
	if err != nil {
		return nil, err
	}
	return &Child{
		Lines: asked.Bay.lines(open), Store: markerPath(asked.RuntimeDir, asked.Bay.Name),
		Clock: clock, Gesture: Gesture{Hold: asked.Hold}, Self: self,
	}, nil
}

// perform makes the gesture. The marker goes last: who finds it knows that the
// ending may not have been told.
func perform(act Act, child *Child, stdout, stderr io.Writer) int {
	gesture := child.EnterDFU
	if act == ActReset {
		gesture = child.Reset
	}
	m, ending, err := gesture()
	if closeErr := child.Lines.Close(); closeErr != nil {
		warn(stderr, "close the lines", closeErr)
	}
	code := tell(stdout, stderr, newReport(ending, err))
	if ending.Outcome == "" {
		return code
	}
	if err := Conclude(child.Store, &m, ending); err != nil {
		warn(stderr, "conclude the marker", err)
	}
	return code
}

// tell prints a report and returns the exit code that goes with it.
func tell(stdout, stderr io.Writer, r report) int {
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		warn(stderr, "tell the report", err)
	}
	if r.Error != "" {
		return 1
	}
	return 0
}

// warn is best effort: nothing depends on it.
func warn(stderr io.Writer, doing string, err error) {
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", doing, err)
}
