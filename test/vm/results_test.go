package vm_test

import (
	"fmt"
	"strings"
	"testing"

	"duogateway/test/vm"
)

const verbose = `DUOGATEWAY-BEGIN
=== RUN   TestA
    a_test.go:1: one
=== RUN   TestA/sub
=== PAUSE TestA/sub
=== RUN   TestB
    b_test.go:1: not here
--- SKIP: TestB (0.00s)
=== CONT  TestA/sub
    a_test.go:2: two
=== NAME  TestA
    a_test.go:3: three
    --- FAIL: TestA/sub (0.10s)
--- FAIL: TestA (0.20s)
=== RUN   TestC
--- PASS: TestC (1.00s)
=== RUN   TestD
panic: oh
`

func TestResults(t *testing.T) {
	for _, test := range []struct{ name, output, want string }{
		{"nothing", "", ` "" []` + "\n"},
		{"a failure", verbose, `
 "" [DUOGATEWAY-BEGIN]
  TestA "FAIL" [    a_test.go:1: one     a_test.go:3: three]
   sub "FAIL" [    a_test.go:2: two]
  TestB "SKIP" [    b_test.go:1: not here]
  TestC "PASS" []
  TestD "" [panic: oh]
`[1:]},
		{"a success", "=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\nbye\n", ` "PASS" [bye]` + "\n" + `  TestA "PASS" []` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := outline(vm.Results(test.output), 0); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

// outline writes a result and its subtests, each in a line.
func outline(r *vm.Result, depth int) string {
	text := fmt.Sprintf("%s%s %q %v\n", strings.Repeat(" ", depth), r.Name, r.Outcome, r.Output)
	for _, subtest := range r.Subtests {
		text += outline(subtest, depth+2-min(depth, 1))
	}
	return text
}
