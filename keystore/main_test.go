package keystore_test

import (
	"flag"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if work, ok := children[os.Getenv(childEnv)]; ok {
		work(os.Args[1])
		return
	}
	if checked { // which is slow
		if err := flag.Set("rapid.checks", "12"); err != nil {
			panic(err)
		}
	}
	// Not the disk is tested here, and memory is faster.
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		if err := os.Setenv("TMPDIR", "/dev/shm"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}
