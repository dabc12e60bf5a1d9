package serial

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The baud rates. The firmware takes some for commands: 14400 for DFU mode,
// 28800 for listening mode, in which the board leaves the network, 1200 for a
// reset and 19200 for an update in the manner of Arduino
// (redbear/firmware system/src/system_update.cpp:250-287,
// build/module-defaults.mk:2-8). Only the first one is ever set here.
const (
	baudDFU   = 14400
	baudPlain = 9600 // means nothing to the firmware; the kernel's own default
)

// terminal is an open tty of this machine.
type terminal struct {
	*os.File
	fd int // the same; File.Fd would make it blocking
}

// openTTY opens a tty raw, for this process alone and at the rate that means
// nothing: the driver sends a rate only if it is another one than before. In the
// moment before it is raw the kernel may echo to a board what that says.
func openTTY(path string) (port, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, ErrBusy
	case errors.Is(err, unix.EACCES):
		return nil, ErrDenied
	case err != nil:
		return nil, err
	}
	opened := terminal{os.NewFile(uintptr(fd), path), fd}
	err = errors.Join(
		unix.IoctlSetInt(fd, unix.TIOCEXCL, 0),
		opened.SetRate(baudPlain, true),
		unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("setting the tty: %w", err), opened.Close())
	}
	return opened, nil
}

// Close gives the tty back, also to who has opened it before.
func (t terminal) Close() error {
	_ = unix.IoctlSetInt(t.fd, unix.TIOCNXCL, 0) // fails on a tty whose board has left
	return t.File.Close()
}

// SetRate sets the rate, and whether closing the port takes DTR back, by which
// a firmware sees that nobody reads any more.
func (t terminal) SetRate(baud uint32, hangUp bool) error {
	settings, err := unix.IoctlGetTermios(t.fd, unix.TCGETS2)
	if err != nil {
		return err
	}
	settings.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF
	settings.Oflag &^= unix.OPOST
	settings.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	settings.Cflag &^= unix.CSIZE | unix.PARENB | unix.CSTOPB | unix.CRTSCTS | unix.CBAUD | unix.HUPCL
	settings.Cflag |= unix.CS8 | unix.CREAD | unix.CLOCAL | unix.BOTHER
	settings.Ispeed, settings.Ospeed = baud, baud
	settings.Cc[unix.VMIN], settings.Cc[unix.VTIME] = 1, 0
	if hangUp {
		settings.Cflag |= unix.HUPCL
	}
	return unix.IoctlSetTermios(t.fd, unix.TCSETS2, settings)
}
