package serial

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"
)

// The kinds of failure. Every error of this package wraps one of them, an error
// of the operating system, or the end of the caller's context.
var (
	// ErrNoPort: no running Duo with a serial port is on the USB port.
	ErrNoPort = errors.New("no serial port of a running Duo")
	// ErrBusy: another program holds the serial port.
	ErrBusy = errors.New("the serial port is busy: another program holds it, perhaps ModemManager, which a udev rule can tell to leave boards alone (ID_MM_DEVICE_IGNORE)")
	// ErrDenied: this user may not open the serial port.
	ErrDenied = errors.New("no permission to open the serial port: the user must be in the group of the tty, dialout as a rule")
	// ErrNoAnswer: the board did not answer in time. It is not in listening
	// mode, or its firmware hangs.
	ErrNoAnswer = errors.New("no answer: the board is not in listening mode")
	// ErrMalformed: what the board said is not what its firmware says.
	ErrMalformed = errors.New("malformed answer")
	// ErrLeft: the board left the bus in the middle.
	ErrLeft = errors.New("the board left the bus")
)

// Config says where the ports are. The zero value means this machine.
type Config struct {
	Sysfs string       // where sysfs is mounted; /sys by default
	Dev   string       // the folder of the ttys; /dev by default
	Log   *slog.Logger // nil discards
}

// Ports are the serial ports of running boards, by USB port path. They may be
// used by several goroutines, each for a board of its own.
type Ports struct {
	sysfs, dev string
	log        *slog.Logger
	open       func(path string) (port, error)
}

// New returns the ports of this machine. It opens none.
func New(c Config) *Ports {
	p := &Ports{sysfs: c.Sysfs, dev: c.Dev, log: c.Log, open: openTTY}
	if p.sysfs == "" {
		p.sysfs = "/sys"
	}
	if p.dev == "" {
		p.dev = "/dev"
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p
}

// port is an open serial port.
type port interface {
	// SetRate sets the baud rate, and whether closing takes DTR back.
	SetRate(baud uint32, hangUp bool) error
	// SetDeadline bounds all reads and writes, also those that wait already.
	SetDeadline(t time.Time) error
	io.ReadWriteCloser
}

// take opens the serial port of the board on a USB port. It makes sure that the
// board is still there: the name of its tty may be another's by then.
func (p *Ports) take(usbPort string) (port, error) {
	before, err := p.find(usbPort)
	if err != nil {
		return nil, err
	}
	opened, err := p.open(filepath.Join(p.dev, before.name))
	if err != nil {
		return nil, fmt.Errorf("opening %s on USB port %s: %w", before.name, usbPort, err)
	}
	after, err := p.find(usbPort)
	if err == nil && after != before {
		err = fmt.Errorf("USB port %s: %w: %+v is now %+v", usbPort, ErrLeft, before, after)
	}
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}
