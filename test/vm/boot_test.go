//go:build vm

package vm_test

import (
	"strings"
	"testing"

	"duogateway/test/vm"
)

// machineScript shows that the machine is the one that tests expect.
const machineScript = `#!/bin/sh
set -e
for module in vhci_hcd cdc_acm gpio_sim; do
	[ -d /sys/module/$module ] && echo "module $module"
done
chip=$(grep -l pinctrl-bcm2711 /sys/bus/gpio/devices/*/device/../*/label 2>/dev/null || true)
cat /sys/kernel/debug/gpio
dfu-util --version | head -n 1
strace -V | head -n 1
head -c 8 /dev/urandom | wc -c
`

func TestBoot(t *testing.T) {
	guest, err := vm.Boot(t.Context(), vm.Options{Arch: "amd64", Script: machineScript, Console: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	code, err := guest.Wait()
	if err != nil || code != 0 {
		t.Fatalf("code %d, error %v", code, err)
	}
	for _, want := range []string{"module vhci_hcd", "module cdc_acm", "module gpio_sim", "pinctrl-bcm2711", "GPIO53"} {
		if !strings.Contains(guest.Output(), want) {
			t.Errorf("the guest did not say %q", want)
		}
	}
}
