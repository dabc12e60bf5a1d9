package serial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onPTY is a running Duo on port 1-1.4 whose tty is that of the kernel's
// pseudo-terminals; the board is at the other end.
func onPTY(t *testing.T) (ports *Ports, board *os.File) {
	t.Helper()
	s := newSysfs(t)
	s.duo()
	board, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	s.must(err)
	t.Cleanup(func() { _ = board.Close() }) // a test may have closed it
	s.must(unix.IoctlSetPointerInt(int(board.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(board.Fd()), unix.TIOCGPTN)
	s.must(err)
	s.must(os.Symlink(fmt.Sprintf("/dev/pts/%d", number), filepath.Join(s.dev, "ttyACM0")))
	return s.ports(nil), board
}

// settings are those of the tty, seen from the board's end.
func settings(t *testing.T, board *os.File) *unix.Termios {
	t.Helper()
	found, err := unix.IoctlGetTermios(int(board.Fd()), unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The kernel takes the odd rate, and does not keep it.
func TestRatesOfTheKernel(t *testing.T) {
	ports, board := onPTY(t)
	held, err := ports.take("1-1.4")
	if err != nil {
		t.Fatal(err)
	}
	for _, baud := range []int{baudDFU, baudPlain} {
		if err := held.SetMode(at(baud)); err != nil {
			t.Fatal(err)
		}
		if got := settings(t, board); got.Ospeed != uint32(baud) || got.Lflag&(unix.ECHO|unix.ICANON) != 0 {
			t.Errorf("%d baud: it has %d, flags %#x", baud, got.Ospeed, got.Lflag)
		}
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	if err := ports.EnterDFU(t.Context(), "1-1.4"); err != nil {
		t.Error(err)
	}
	if got := settings(t, board); got.Ospeed != baudPlain {
		t.Errorf("it keeps %d baud", got.Ospeed)
	}
}

// A tty without its device reads as closed.
func TestReadFault(t *testing.T) {
	ports, _ := onPTY(t)
	held, err := ports.take("1-1.4")
	if err != nil {
		t.Fatal(err)
	}
	err = held.Close()
	_, readErr := held.Read(make([]byte, 1))
	if fault := readFault(readErr); err != nil || !errors.Is(fault, ErrLeft) {
		t.Errorf("%v, %v", err, fault)
	}
}

// answering answers the next command, until the board's end is closed.
func answering(board *os.File, answer string) (typed <-chan string) {
	done := make(chan string, 1)
	go func() {
		command := make([]byte, 16)
		n, _ := board.Read(command)
		_, _ = board.WriteString(answer) // the other end tells
		done <- string(command[:n])
	}()
	return done
}

func TestAskOverTheKernel(t *testing.T) {
	ports, board := onPTY(t)
	typed := answering(board, soundID+"\r\n")
	id, err := ports.DeviceID(t.Context(), "1-1.4")
	if err != nil || !strings.HasSuffix(soundID, string(id)) {
		t.Errorf("%q, %v", id, err)
	}
	if got := <-typed; got != "i" {
		t.Errorf("typed %q", got)
	}
}

// A board that leaves ends a read that waits.
func TestHangUp(t *testing.T) {
	ports, board := onPTY(t)
	time.AfterFunc(100*time.Millisecond, func() { _ = board.Close() })
	began := time.Now()
	_, err := ports.DeviceID(t.Context(), "1-1.4")
	if took := time.Since(began); !errors.Is(err, ErrLeft) || took > time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// A port that another program holds for itself is busy. Root may open it all
// the same, so the test gives that right away.
func TestBusyPort(t *testing.T) {
	ports, _ := onPTY(t)
	held, err := ports.take("1-1.4")
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its rights
		if err := dropAdmin(); err != nil {
			refused <- err
			return
		}
		refused <- ports.EnterDFU(t.Context(), "1-1.4")
	}()
	if err := <-refused; !errors.Is(err, ErrBusy) {
		t.Errorf("a busy port: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
}

// dropAdmin takes all capabilities from this thread.
func dropAdmin() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}
