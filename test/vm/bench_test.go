//go:build vm && vmbench

package vm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"duogateway/test/vm"
	virtualduo "duogateway/virtual/duo"
)

// usualMeasurements is how often the work of each trial is measured when ROUNDS
// says nothing.
const usualMeasurements = 10

// benchScript brings the board of the host to the bus, and measures.
const benchScript = `#!/bin/sh
virtualbench vhci --from=%s 2>/dev/null &
until grep -q d058 /sys/bus/usb/devices/1-1/idProduct; do sleep 0.1; done 2>/dev/null
sleep 1 # the kernel still asks it things
echo "guest: Linux $(uname -r), $(nproc) processors, $(dfu-util --version | head -n 1)"
bench -port 1-1 -rounds %d
`

// Our DFU host beside dfu-util, on a board of this machine that takes the time
// for its flash that a real one takes. It is no test: it prints a table, and
// leaves it in out/vm/benchmark.md.
func TestBench(t *testing.T) {
	rounds := usualMeasurements
	fromEnvironment(t, "ROUNDS", func(text string) (err error) { rounds, err = strconv.Atoi(text); return err })
	board, _ := newHostBoard(t)
	startDFU(board.Board)
	said := run(t, 0, vm.Options{
		Arch: "amd64", Net: true, Files: benchFiles(t), Timeout: benchTime,
		Script: fmt.Sprintf(benchScript, board.usb, rounds),
	})
	table := fmt.Sprintf("%s, %d rounds\n%s\n\n", time.Now().Format(time.DateOnly), rounds, machine(t))
	for _, part := range []string{`(?m)^guest: .*\n`, `(?m)(^\|.*\n)+`} {
		table += regexp.MustCompile(part).FindString(said) + "\n"
	}
	fmt.Print(table)
	file := filepath.Join(filepath.Dir(shareFolder(t, "amd64")), "benchmark.md")
	if err := os.WriteFile(file, []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
}

// modeDFU is what running code leaves in a register to ask the bootloader for
// DFU mode (redbear/firmware bootloader/src/main.c:245-258).
const modeDFU = 0xEDFA

// startDFU gives a board power and starts it in DFU mode.
func startDFU(board *virtualduo.Board) {
	board.SetReset(true)
	board.PowerOn()
	board.RequestBoot(modeDFU)
	board.SetReset(false)
}

// benchTime is for all rounds.
const benchTime = 30 * time.Minute

// benchFiles are the programs that the guest needs.
func benchFiles(t *testing.T) map[string]string {
	t.Helper()
	files := programs(t, "amd64")
	program := filepath.Join(t.TempDir(), "bench")
	err := vm.Go(t.Context(), "amd64", "build", "-tags", "guest", "-buildvcs=false", "-o", program, "duogateway/test/vm/bench")
	if err != nil {
		t.Fatal(err)
	}
	files["/usr/local/bin/bench"] = program
	return files
}

// machine says on what the guest runs.
func machine(t *testing.T) string {
	t.Helper()
	information, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	emulator, err := exec.Command("qemu-system-x86_64", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(emulator), "\n")
	model := "processors of unknown kind"
	if found := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(information); found != nil {
		model = string(found[1])
	}
	return fmt.Sprintf("host: %d x %s, %s, emulating", runtime.NumCPU(), model, first)
}
