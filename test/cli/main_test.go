package cli_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// binaries is the folder of the programs under test.
var binaries string

func TestMain(m *testing.M) {
	// The tests wait for gestures of some seconds and compute little: their
	// number is not limited by that of the processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	// A program that was built with the race detector waits a second at its end
	// if it is not told otherwise.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	var err error
	if binaries, err = build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(binaries)
		os.Exit(code)
	}))
}

// build builds the programs into a folder of their own.
func build() (folder string, err error) {
	if folder, err = os.MkdirTemp("", "duogateway-cli-"); err != nil {
		return "", err
	}
	args := append([]string{"build", "-buildvcs=false", "-o", folder + string(filepath.Separator)}, buildFlags...)
	cmd := exec.Command("go", append(args, "duogateway/cmd/gatewayd", "duogateway/cmd/virtualbench")...)
	cmd.Env = append(os.Environ(), buildEnv...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("building the programs: %w\n%s", err, out), os.RemoveAll(folder))
	}
	return folder, nil
}
