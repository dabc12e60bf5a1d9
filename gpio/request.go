package gpio

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// request is what the daemon asks of a child: one JSON argument.
type request struct {
	Act        Act           `json:"act"`
	Bay        Bay           `json:"bay"`
	Hold       time.Duration `json:"hold"`
	RuntimeDir string        `json:"runtime_dir"`
}

func parseRequest(args []string) (request, error) {
	var r request
	if len(args) != 1 {
		return r, fmt.Errorf("want one argument, have %d", len(args))
	}
	if err := json.Unmarshal([]byte(args[0]), &r); err != nil {
		return r, fmt.Errorf("parse the request: %w", err)
	}
	if r.RuntimeDir == "" {
		return r, errors.New("the request names no runtime folder")
	}
	if r.Act != ActEnterDFU && r.Act != ActReset {
		return r, fmt.Errorf("unknown act %q", r.Act)
	}
	return r, errors.Join(r.Bay.Check(), Gesture{Hold: r.Hold}.Check())
}

// report is what a child answers: one line of JSON on its standard output.
type report struct {
	// Ending is nil if nothing was driven.
	Ending *Ending `json:"ending,omitempty"`
	// Error is busy, lines or failed; Detail says it in words.
	Error  string `json:"error,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// errorNames are how this package's errors travel in a report.
var errorNames = []struct {
	name string
	err  error
}{
	{"busy", ErrLinesBusy},
	{"lines", ErrLines},
	{"failed", ErrGestureFailed}, // every other error, so the last
}

func newReport(ending Ending, err error) report {
	var r report
	if ending.Outcome != "" {
		r.Ending = &ending
	}
	if err == nil {
		return r
	}
	r.Detail = err.Error()
	for _, known := range errorNames {
		r.Error = known.name
		if errors.Is(err, known.err) {
			break
		}
	}
	return r
}

// err returns the error of the report, one of this package's.
func (r report) err() error {
	if r.Error == "" {
		return nil
	}
	for _, known := range errorNames {
		if r.Error == known.name {
			return fmt.Errorf("%w: %s", known.err, r.Detail)
		}
	}
	return fmt.Errorf("%w: %s: %s", ErrGestureFailed, r.Error, r.Detail)
}

func parseReport(line []byte) (report, error) {
	var r report
	if err := json.Unmarshal(line, &r); err != nil {
		return report{}, fmt.Errorf("parse the child's report: %w", err)
	}
	if r.Ending == nil && r.Error == "" {
		return report{}, errors.New("parse the child's report: it says nothing")
	}
	return r, r.Ending.check()
}
