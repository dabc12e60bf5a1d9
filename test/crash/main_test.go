package crash_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"duogateway/test/rig"
)

func TestMain(m *testing.M) {
	folder, err := prepare()
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(folder)
		os.Exit(code)
	}))
}

// prepare builds the commands. The tests with processes wait most of their
// time, so many of them may run at once.
func prepare() (string, error) {
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "duogateway-bin-")
	if err == nil {
		_, err = rig.Binaries(folder)
	}
	return folder, err
}
