//go:build vm

package vm_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"duogateway/test/vm"
)

var guestRun = flag.String("guest.run", "", "run only those tests in the guests that match the `pattern`")

// guestTime is for all the tests in one guest.
const guestTime = 8 * time.Minute

// The tests of test/vm/guest pass on a real kernel: on amd64 all, on arm64 those
// that are not long.
func TestGuest(t *testing.T) {
	t.Run("amd64", func(t *testing.T) { runGuest(t, "amd64", "") })
	t.Run("arm64", func(t *testing.T) { runGuest(t, "arm64", "-test.short") })
}

// runGuest runs the tests in a guest and makes their results those of t. What
// they leave in /share is kept in out/vm.
func runGuest(t *testing.T, arch, flags string) {
	script := fmt.Sprintf("#!/bin/sh\ncd /tests && ./guest.test -test.v -test.timeout=%v -test.run='%s' %s\n",
		guestTime-30*time.Second, *guestRun, flags)
	guest, err := vm.Boot(t.Context(), vm.Options{
		Arch: arch, Script: script, Files: programs(t, arch), Share: shareFolder(t, arch), Timeout: guestTime,
	})
	if err != nil {
		t.Fatal(err)
	}
	code, err := guest.Wait()
	vm.Results(guest.Output()).Report(t)
	if err != nil || code != 0 {
		t.Errorf("the guest ended with code %d, error %v", code, err)
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

// programs builds the tests and the commands for a guest, and says where it
// expects them.
func programs(t *testing.T, arch string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	for _, args := range [][]string{
		{"test", "-c", "-tags", "guest", "-o", folder + "/guest.test", "duogateway/test/vm/guest"},
		{"build", "-buildvcs=false", "-o", folder + "/", "duogateway/cmd/gatewayd", "duogateway/cmd/virtualbench"},
	} {
		if err := vm.Go(t.Context(), arch, args...); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{
		"/tests/guest.test":           folder + "/guest.test",
		"/usr/local/bin/gatewayd":     folder + "/gatewayd",
		"/usr/local/bin/virtualbench": folder + "/virtualbench",
	}
}
