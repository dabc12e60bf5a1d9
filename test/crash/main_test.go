package crash_test

import (
	"fmt"
	"os"
	"testing"

	"duogateway/test/rig"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "duogateway-bin-")
	if err == nil {
		_, err = rig.Binaries(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the commands:", err)
		return 1
	}
	defer os.RemoveAll(folder)
	return m.Run()
}
