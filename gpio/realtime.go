package gpio

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// realtimePriority is below the kernel's interrupt threads, which have 50.
const realtimePriority = 40

// becomeRealtime keeps this process from waiting for memory or for other
// processes. What could not be had is in the error; the process can go on.
func becomeRealtime() error {
	debug.SetGCPercent(-1)
	var failed []error
	if err := lockMemory(); err != nil {
		failed = append(failed, fmt.Errorf("lock the memory: %w", err))
	}
	if err := scheduleThreads(); err != nil {
		failed = append(failed, fmt.Errorf("ask for real-time priority: %w", err))
	}
	return errors.Join(failed...)
}

// lockMemory reads the files of the program and keeps them in memory, and of all
// else what is touched. What is only reserved is left alone: the stacks of C
// threads and the tables of the Go runtime are a hundred megabytes, which a small
// machine does not have for each of its bays.
func lockMemory() error {
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return err
	}
	mappings, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for _, m := range fileMappings(string(mappings)) {
		if _, _, errno := unix.Syscall(unix.SYS_MLOCK, m.start, m.end-m.start, 0); errno != 0 {
			return errno
		}
	}
	return nil
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// fileMappings finds what is mapped from files and readable, in a text such as
//
//	00402000-00966000 r-xp 00002000 00:02 447   /usr/bin/gatewayd
//
// (proc_pid_maps(5)).
func fileMappings(text string) (found []mapping) {
	for line := range strings.Lines(text) {
		var m mapping
		var access, offset, device, inode, path string
		_, err := fmt.Sscanf(line, "%x-%x %s %s %s %s %s", &m.start, &m.end, &access, &offset, &device, &inode, &path)
		if err == nil && strings.HasPrefix(access, "r") && strings.HasPrefix(path, "/") {
			found = append(found, m)
		}
	}
	return found
}

// scheduleThreads sets the priority of every thread there is. The runtime may
// wake a timer on any of them; new threads inherit the priority.
func scheduleThreads() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: realtimePriority}
		if err := unix.SchedSetAttr(id, &attr, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}
