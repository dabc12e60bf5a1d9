//go:build vm

package vm_test

import (
	"flag"
	"os"
	"testing"

	"duogateway/test/vm"
)

var (
	scriptFile = flag.String("script", "", "the shell script that TestScript runs")
	scriptArch = flag.String("arch", "amd64", "the architecture of TestScript")
)

// TestScript is a tool to look around: it runs a script of one's own in a guest
// that has the programs, a disk, the network and out/vm as /share, and shows what it
// says, kernel messages included.
func TestScript(t *testing.T) {
	if *scriptFile == "" {
		t.Skip("no script is given by -script")
	}
	script, err := os.ReadFile(*scriptFile)
	if err != nil {
		t.Fatal(err)
	}
	disk := t.TempDir() + "/disk"
	if err := vm.NewDisk(t.Context(), disk, 64); err != nil {
		t.Fatal(err)
	}
	guest := boot(t, vm.Options{
		Arch: *scriptArch, Script: string(script), Files: programs(t, *scriptArch),
		Share: shareFolder(t, *scriptArch), Disk: disk, Net: true,
		KernelLog: 7, Timeout: guestTime, Console: os.Stdout,
	})
	if code, err := guest.Wait(); err != nil || code != 0 {
		t.Errorf("the guest ended with code %d, error %v", code, err)
	}
}
