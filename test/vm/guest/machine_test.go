//go:build guest

package guest

import (
	"os/exec"
	"testing"
)

// The programs that tests start are there, with their libraries.
func TestPrograms(t *testing.T) {
	for _, command := range [][]string{
		{"gatewayd", "version"},
		{"virtualbench", "--help"},
		{"dfu-util", "--version"},
		{"strace", "-V"},
		{"usbip", "version"},
	} {
		if said, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", command, err, said)
		}
	}
}
