package chip

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/host/v3/gpioioctl"
)

// discover finds the GPIO chips of this machine by the one driver that is
// linked in. (host.Init would add those that drive a Raspberry Pi's pins past
// the kernel, which then cannot let go of them when the process dies.) It
// returns the chips and what kept it from others.
func discover() ([]device, error) {
	var err error
	restoreErr := keepStdin(func() { quietly(func() { _, err = driverreg.Init() }) })
	if err := errors.Join(err, restoreErr); err != nil {
		return nil, fmt.Errorf("find GPIO chips: %w", err)
	}
	var found []device
	var paths []string
	for _, c := range gpioioctl.Chips {
		found = append(found, periphChip{c})
		paths = append(paths, c.Path())
	}
	return found, unopened("/dev/gpiochip*", paths)
}

// quietly keeps the driver from writing to the program's standard log. What it
// has to say of a chip that it cannot open, unopened says better.
func quietly(f func()) {
	before := log.Writer()
	log.SetOutput(io.Discard)
	defer log.SetOutput(before)
	f()
}

// keepStdin runs f and puts file descriptor 0 back if it is closed then. The
// driver closes it by mistake with a chip that it has found twice, which is
// what the link gpiochip4 of a Raspberry Pi is for it. That would be fatal: the
// next line to be claimed would get the number 0, and the driver takes that for
// a line that is not claimed.
func keepStdin(f func()) error {
	saved, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return fmt.Errorf("duplicate the standard input: %w", err)
	}
	defer func() { _ = unix.Close(saved) }()
	f()
	if _, err := unix.FcntlInt(0, unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		return nil
	}
	if err := unix.Dup3(saved, 0, 0); err != nil {
		return fmt.Errorf("put the standard input back: %w", err)
	}
	return nil
}

// unopened says of the chips that match a pattern, and are not among those that
// were opened, why not.
func unopened(pattern string, opened []string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("find GPIO chips: %w", err)
	}
	var problems []error
	for _, path := range paths {
		if slices.Contains(opened, path) {
			continue
		}
		file, err := os.Open(path)
		if err == nil {
			_ = file.Close()
			continue
		}
		problems = append(problems, withHint(err))
	}
	return errors.Join(problems...)
}

// withHint says what to do about an error of opening a chip, if that is clear.
func withHint(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: put the user into the group that owns it (gpio), or give it to one by a udev rule", err)
}
