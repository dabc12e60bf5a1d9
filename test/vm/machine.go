package vm

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// A machine is how QEMU emulates an architecture.
type machine struct {
	emulator string   // the program
	args     []string // what it emulates
	console  string   // the kernel's name for the serial port
	compiler string   // for programs of the guest that use C
	triplet  string   // the folder of the guest's libraries
}

var machines = map[string]machine{
	"amd64": {
		emulator: "qemu-system-x86_64",
		args:     []string{"-M", "q35"},
		console:  "ttyS0",
		compiler: "x86_64-linux-gnu-gcc",
		triplet:  "x86_64-linux-gnu",
	},
	// The board has a GPIO chip of its own, a PL061.
	"arm64": {
		emulator: "qemu-system-aarch64",
		args:     []string{"-M", "virt", "-cpu", "cortex-a72"},
		console:  "ttyAMA0",
		compiler: "aarch64-linux-gnu-gcc",
		triplet:  "aarch64-linux-gnu",
	},
}

// defaultMemory is what a guest gets that asks for nothing, in MiB.
const defaultMemory = 768

// arguments are those of QEMU for a guest. Emulation is always by software: a
// /dev/kvm that opens may hang all the same.
func (m machine) arguments(o Options, product, initramfs string) []string {
	memory := o.Memory
	if memory == 0 {
		memory = defaultMemory
	}
	// A panic reboots at once, and a reboot ends QEMU. It is silent below level 1.
	command := "console=" + m.console + " panic=-1 loglevel=" + strconv.Itoa(max(1, o.KernelLog))
	args := append([]string{
		"-accel", "tcg", "-smp", "2", "-m", strconv.Itoa(memory),
		"-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot",
		"-device", "virtio-rng-pci",
		"-kernel", filepath.Join(product, "kernel"), "-initrd", initramfs,
	}, m.args...)
	if o.Net {
		command += " NET=1"
		args = append(args, "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=")
	}
	if o.Share != "" {
		command += " SHARE=1"
		args = append(args, "-virtfs", fmt.Sprintf("local,path=%s,mount_tag=share,security_model=none", o.Share))
	}
	if o.Disk != "" {
		command += " DISK=1"
		args = append(args, "-drive", fmt.Sprintf("file=%s,format=raw,if=none,id=disk,cache=writeback", o.Disk),
			"-device", "virtio-blk-pci,drive=disk")
	}
	return append(args, "-append", command)
}
