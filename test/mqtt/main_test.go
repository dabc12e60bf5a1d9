package mqtt

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		runChild()
		return
	}
	if _, err := mosquittoPath(); err != nil {
		fmt.Fprintln(os.Stderr, "these tests need mosquitto (Debian: mosquitto):", err)
		os.Exit(1)
	}
	// Not the disk is tested here, and memory is faster.
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		if err := os.Setenv("TMPDIR", "/dev/shm"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// mosquittoPath finds the broker, which Debian has in a folder for root.
func mosquittoPath() (string, error) {
	if path, err := exec.LookPath("mosquitto"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/mosquitto")
}
