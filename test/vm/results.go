package vm

import (
	"regexp"
	"strings"
	"testing"
)

// A Result is how a test went in a guest.
type Result struct {
	// Name is the last part of its name: "Kill" of TestGesture/Kill.
	Name string
	// Outcome is PASS, FAIL or SKIP, or empty if the test did not come to an end.
	Outcome string
	// Output is what it said, in lines.
	Output []string
	// Subtests are in the order in which they began.
	Subtests []*Result
}

var (
	// What a test binary says with -test.v when it turns to a test, and when one
	// has ended.
	turnLine = regexp.MustCompile(`^=== (?:RUN|PAUSE|CONT|NAME) +(\S+)$`)
	endLine  = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): (\S+) \(`)
)

// Results reads what a test binary said with -test.v. What was said outside of
// all tests is in the output of the result at the top, which has no name; its
// outcome is that of the whole.
func Results(output string) *Result {
	top := &Result{}
	current := top
	for line := range strings.Lines(output) {
		line = strings.TrimSuffix(line, "\n")
		if turn := turnLine.FindStringSubmatch(line); turn != nil {
			current = top.find(turn[1])
		} else if end := endLine.FindStringSubmatch(line); end != nil {
			current = top.find(end[2])
			current.Outcome = end[1]
		} else if line == "PASS" || line == "FAIL" {
			current = top
			top.Outcome = line
		} else {
			current.Output = append(current.Output, line)
		}
	}
	return top
}

// find finds a test by its whole name, or adds it.
func (r *Result) find(name string) *Result {
	first, rest, deeper := strings.Cut(name, "/")
	found := r.subtest(first)
	if deeper {
		return found.find(rest)
	}
	return found
}

func (r *Result) subtest(name string) *Result {
	for _, subtest := range r.Subtests {
		if subtest.Name == name {
			return subtest
		}
	}
	added := &Result{Name: name}
	r.Subtests = append(r.Subtests, added)
	return added
}

// Report makes the result that of t, and those of the subtests its subtests.
func (r *Result) Report(t *testing.T) {
	for _, subtest := range r.Subtests {
		t.Run(subtest.Name, subtest.Report)
	}
	if len(r.Output) > 0 {
		t.Log("in the guest:\n" + strings.Join(r.Output, "\n"))
	}
	switch r.Outcome {
	case "PASS":
	case "FAIL":
		t.Error("failed in the guest")
	case "SKIP":
		t.Skip("skipped in the guest")
	default:
		t.Error("did not come to an end in the guest")
	}
}
