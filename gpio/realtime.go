package gpio

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// realtimePriority is below the kernel's interrupt threads, which have 50.
const realtimePriority = 40

// becomeRealtime keeps this process from waiting for memory or for other
// processes. What could not be had is in the error; the process can go on.
func becomeRealtime() error {
	debug.SetGCPercent(-1)
	var failed []error
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE); err != nil {
		failed = append(failed, fmt.Errorf("lock the memory: %w", err))
	}
	if err := scheduleThreads(); err != nil {
		failed = append(failed, fmt.Errorf("ask for real-time priority: %w", err))
	}
	return errors.Join(failed...)
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
