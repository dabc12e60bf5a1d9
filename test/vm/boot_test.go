//go:build vm

package vm_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"duogateway/test/vm"
)

// machineScript shows that the machine is the one that tests expect: a line that
// is driven is seen to be so, and follows its pull once nobody drives it.
const machineScript = `#!/bin/sh
set -e
for module in vhci_hcd cdc_acm gpio_sim; do
	[ -d /sys/module/$module ] && echo "module $module"
done
class=$(dirname "$(grep -l '^pinctrl-bcm2711$' /sys/class/gpio/gpiochip*/label)")
sim=$(echo /sys/devices/platform/gpio-sim.0/gpiochip*)
line=$(($(cat $class/base) + 17))
value() { echo "$1: $(cat $sim/sim_gpio17/value)"; }
hold() { echo $line >/sys/class/gpio/export; echo high >/sys/class/gpio/gpio$line/direction; }
let_go() { echo $line >/sys/class/gpio/unexport; }
echo 1 >/sys/kernel/tracing/events/gpio/enable
echo 1 >/sys/kernel/tracing/events/gpio_sim/free/enable

value free
hold; value held
let_go; value "let go"
hold; echo in >/sys/class/gpio/gpio$line/direction; value input; let_go
echo pull-up >$sim/sim_gpio17/pull; value "pulled up"
hold; echo low >/sys/class/gpio/gpio$line/direction; value "held low"; let_go; value "pulled up again"
echo pull-down >$sim/sim_gpio17/pull
echo Y >/sys/module/gpio_sim/parameters/persist_outputs
hold; let_go; value "still driven"
grep gpio /sys/kernel/tracing/trace
`

// The machine of a guest is the same on both architectures.
func TestBoot(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			said := run(t, 0, vm.Options{Arch: arch, Script: machineScript})
			for _, want := range []string{
				"module vhci_hcd\nmodule cdc_acm\nmodule gpio_sim\n" +
					"free: 0\nheld: 1\nlet go: 0\ninput: 0\npulled up: 1\nheld low: 0\npulled up again: 1\nstill driven: 1\n",
				"gpio_value: ",
				"free: (gpio_sim_free",
				"line=17\n",
			} {
				if !strings.Contains(said, want) {
					t.Errorf("the guest did not say\n%s", want)
				}
			}
		})
	}
}

// What a guest wrote and synced survives its power cut, what it held back does
// not; the folder and the loopback of the host are in its reach.
func TestPowerCut(t *testing.T) {
	folder := t.TempDir()
	disk, share := filepath.Join(folder, "disk"), filepath.Join(folder, "share")
	if err := vm.NewDisk(t.Context(), disk, 16); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(share, 0o755); err != nil {
		t.Fatal(err)
	}
	guest := boot(t, vm.Options{Arch: "amd64", Disk: disk, Share: share, Script: `#!/bin/sh
echo durable >/disk/synced; sync; echo lost >/disk/held-back
echo READY; sleep 60
`})
	if err := guest.WaitFor(t.Context(), "READY\n"); err != nil {
		t.Fatal(err)
	}
	guest.Kill()
	if _, err := guest.Wait(); err == nil {
		t.Error("a guest without power told an exit code")
	}

	said := run(t, 7, vm.Options{Arch: "amd64", Disk: disk, Share: share, Net: true,
		Files: map[string]string{"/etc/deep/file": writeFile(t, "carried")},
		Script: `#!/bin/sh
cat /disk/synced /etc/deep/file; cat /disk/held-back; echo kept >/share/file
wget -q -O - http://10.0.2.2:` + serve(t, "from the host") + `/
exit 7
`})
	for _, want := range []string{"durable\n", "carried", "from the host"} {
		if !strings.Contains(said, want) {
			t.Errorf("the guest did not say %q", want)
		}
	}
	if strings.Contains(said, "lost\n") {
		t.Error("the power cut has kept what was not synced")
	}
	if kept, err := os.ReadFile(filepath.Join(share, "file")); string(kept) != "kept\n" {
		t.Errorf("the shared file holds %q, error %v", kept, err)
	}
}

// A guest that panics or hangs ends all the same.
func TestBadEnd(t *testing.T) {
	for _, test := range []struct {
		name, script, want string
		timeout            time.Duration
	}{
		{"panic", "echo c >/proc/sysrq-trigger", "Kernel panic", time.Minute},
		{"hang", "sleep 1000", "has not ended within", 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			guest := boot(t, vm.Options{Arch: "amd64", Script: "#!/bin/sh\n" + test.script, Timeout: test.timeout})
			_, err := guest.Wait()
			if err == nil || !strings.Contains(err.Error()+guest.Output(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
			if err := guest.WaitFor(context.Background(), "never said"); err == nil {
				t.Error("a guest that has ended has said what it never said")
			}
		})
	}
}
