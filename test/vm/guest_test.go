//go:build vm

package vm_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"duogateway/test/vm"
)

var guestRun = flag.String("guest.run", "", "run only those tests in the guests that match the `pattern`")

// guestTime is for all the tests in one guest.
const guestTime = 8 * time.Minute

// The tests that need a real kernel pass on one: on amd64 all, on arm64 those
// that are not long.
func TestGuest(t *testing.T) {
	t.Run("amd64", func(t *testing.T) { runGuest(t, "amd64", "") })
	t.Run("arm64", func(t *testing.T) { runGuest(t, "arm64", "-test.short") })
}

// runGuest runs the suites in one guest and makes their results those of t. What
// they leave in /share is kept in out/vm.
func runGuest(t *testing.T, arch, flags string) {
	files := programs(t, arch)
	maps.Copy(files, suitePrograms(t, arch))
	guest := boot(t, vm.Options{
		Arch: arch, Script: suiteScript(flags), Files: files, Share: shareFolder(t, arch), Timeout: guestTime,
	})
	code, err := guest.Wait()
	said := strings.Split(guest.Output(), suiteMarker)
	for _, output := range said[1:] {
		name, output, _ := strings.Cut(output, "\n")
		t.Run(name, vm.Results(output).Report)
	}
	if err != nil || code != 0 || len(said)-1 != len(suites) {
		t.Errorf("the guest ended with code %d, error %v, after %d of %d suites; before them it said:\n%s",
			code, err, len(said)-1, len(suites), said[0])
	}
}

// suiteMarker and the name of a suite stand before what its tests say.
const suiteMarker = "DUOGATEWAY-SUITE "

// suiteScript runs all suites, also after one that fails.
func suiteScript(flags string) string {
	var script strings.Builder
	script.WriteString("#!/bin/sh\ncd /tests\ncode=0\n")
	for _, suite := range suites {
		run := suite.run
		if *guestRun != "" {
			run = *guestRun
		}
		fmt.Fprintf(&script, "echo '%s%s'\n./%s.test -test.v -test.timeout=%v -test.run='%s' %s || code=1\n",
			suiteMarker, suite.name, suite.name, guestTime-30*time.Second, run, flags)
	}
	script.WriteString("exit $code\n")
	return script.String()
}

// suitePrograms builds the tests of the suites for a guest, and says where the
// script expects them.
func suitePrograms(t *testing.T, arch string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	folder := t.TempDir()
	for _, suite := range suites {
		file := filepath.Join(folder, suite.name)
		if err := vm.Go(t.Context(), arch, "test", "-c", "-tags", "guest", "-o", file, suite.pkg); err != nil {
			t.Fatal(err)
		}
		files["/tests/"+suite.name+".test"] = file
	}
	return files
}

// programs builds the commands for a guest, and says where it expects them.
func programs(t *testing.T, arch string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	err := vm.Go(t.Context(), arch, "build", "-buildvcs=false", "-o", folder+"/", "duogateway/cmd/gatewayd", "duogateway/cmd/virtualbench")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"/usr/local/bin/gatewayd":     filepath.Join(folder, "gatewayd"),
		"/usr/local/bin/virtualbench": filepath.Join(folder, "virtualbench"),
	}
}

// shareFolder is the folder in which guests of an architecture leave things.
func shareFolder(t *testing.T, arch string) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "..", "out", "vm", arch))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}
