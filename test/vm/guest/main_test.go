//go:build guest

package guest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// lines is what becomes of the GPIO lines while the tests run.
var lines *tracing

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

// tests are all tests, with what they have in common.
type tests struct{ *testing.M }

// Run runs them. They wait most of their time, so many may run at once.
func (m tests) Run() int {
	flag.Parse()
	err := flag.Set("test.parallel", "24")
	if err == nil {
		lines, err = startTracing()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		return 1
	}
	code := m.M.Run()
	if err := lines.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		return 1
	}
	return code
}

// long leaves a test out where only the short ones run.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it is long")
	}
}
