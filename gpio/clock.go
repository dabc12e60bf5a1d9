package gpio

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is the time that all processes of one boot agree on.
type Clock struct {
	// Boot is the id of this boot: a marker of another one says nothing.
	Boot string
	// Monotonic returns the time on CLOCK_MONOTONIC. The clock inside Go's
	// time.Time is of no use here: it counts from the start of one process.
	Monotonic func() time.Duration
}

// SystemClock returns the clock of the running kernel.
func SystemClock() (Clock, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Clock{}, fmt.Errorf("read the boot id: %w", err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return Clock{}, fmt.Errorf("read the monotonic clock: %w", err)
	}
	return Clock{Boot: strings.TrimSpace(string(id)), Monotonic: monotonic}, nil
}

// monotonic cannot fail once [SystemClock] has read the clock successfully.
func monotonic() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(now.Nano())
}
