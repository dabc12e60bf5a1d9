package serial

import (
	"context"
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
	name := fmt.Sprintf("/dev/pts/%d", number)
	s.must(os.Symlink(name, filepath.Join(s.dev, "ttyACM0")))
	// Between two who open it, the other end of a pseudo-terminal reads errors.
	held, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY, 0)
	s.must(err)
	t.Cleanup(func() { s.must(unix.Close(held)) })
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

// The kernel takes the odd rate, the tty is raw, and closing it hangs up except
// in front of a board that leaves.
func TestSettings(t *testing.T) {
	ports, board := onPTY(t)
	held, err := ports.take("1-1.4")
	if err != nil {
		t.Fatal(err)
	}
	if got := settings(t, board); got.Ospeed != 9600 || got.Lflag&(unix.ECHO|unix.ICANON) != 0 || got.Cflag&unix.HUPCL == 0 {
		t.Errorf("opened: %d baud, flags %#x and %#x", got.Ospeed, got.Lflag, got.Cflag)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	if err := ports.EnterDFU(t.Context(), "1-1.4"); err != nil {
		t.Error(err)
	}
	if got := settings(t, board); got.Ospeed != 14400 || got.Ispeed != 14400 || got.Cflag&unix.HUPCL != 0 {
		t.Errorf("asked: %d baud, flags %#x", got.Ospeed, got.Cflag)
	}
}

// What a program said before it was asked is no answer.
func TestOldWordsAreForgotten(t *testing.T) {
	ports, board := onPTY(t)
	if err := ports.EnterDFU(t.Context(), "1-1.4"); err != nil { // it does not echo any more
		t.Fatal(err)
	}
	if _, err := board.WriteString("from before\r\n"); err != nil {
		t.Fatal(err)
	}
	typed := answering(board, soundID+"\r\n")
	if _, err := ports.DeviceID(t.Context(), "1-1.4"); err != nil {
		t.Error(err)
	}
	<-typed
}

// A wait for an answer ends with its context.
func TestWaitIsStopped(t *testing.T) {
	ports, _ := onPTY(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := ports.Version(ctx, "1-1.4")
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > time.Second {
		t.Errorf("%v after %v", err, took)
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
	enter := func() error { return ports.EnterDFU(t.Context(), "1-1.4") }
	if err := asNobody(enter); !errors.Is(err, ErrBusy) {
		t.Errorf("a busy port: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Error(err)
	}
	if err := asNobody(enter); err != nil {
		t.Errorf("a port that was given back: %v", err)
	}
}

// asNobody does something without any capabilities.
func asNobody(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its rights
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		err := unix.Capset(&header, &none[0])
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}
