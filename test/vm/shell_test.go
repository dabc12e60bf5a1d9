//go:build vm

package vm_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
)

// shellCommand lets a guest with a network have its commands from this machine:
// its script ends with it.
func shellCommand(address string) string {
	return "exec nc " + strings.Replace(address, ":", " ", 1) + " -e /bin/sh\n"
}

// shell runs commands in a guest, one after the other.
type shell struct {
	conn  net.Conn
	lines *bufio.Reader
}

// shells is where guests ask for their commands.
type shells struct {
	address string
	asked   chan net.Conn
}

// newShells waits for guests until the end of the test.
func newShells(t *testing.T) *shells {
	t.Helper()
	s := &shells{asked: make(chan net.Conn)}
	s.address = listen(t, func(ctx context.Context, listener net.Listener) error {
		stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // Accept reports it
		defer stop()
		for {
			conn, err := listener.Accept()
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			select {
			case s.asked <- conn:
			case <-ctx.Done():
				_ = conn.Close() // nobody wants it
			}
		}
	})
	return s
}

// next is the shell of the guest that asks next.
func (s *shells) next(ctx context.Context) (*shell, error) {
	select {
	case conn := <-s.asked:
		return &shell{conn, bufio.NewReader(conn)}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a guest to ask for commands: %w", context.Cause(ctx))
	}
}

// end is in front of the exit code of a command, in a line of its own.
const end = "::end "

// run runs a command and tells each line that it prints, which may be nobody's
// business. The error is that of the guest.
func (s *shell) run(command string, tell func(line string)) (code int, err error) {
	if _, err := fmt.Fprintf(s.conn, "%s </dev/null\necho \"%s$?\"\n", command, end); err != nil {
		return 0, fmt.Errorf("running %s in the guest: %w", command, err)
	}
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return 0, fmt.Errorf("running %s in the guest: %w", command, err)
		}
		line = strings.TrimSuffix(line, "\n")
		if code, ended := strings.CutPrefix(line, end); ended {
			return strconv.Atoi(code)
		}
		if tell != nil {
			tell(line)
		}
	}
}

// output runs a command and returns what it printed.
func (s *shell) output(command string) (text string, code int, err error) {
	var all strings.Builder
	code, err = s.run(command, func(line string) { all.WriteString(line + "\n") })
	return all.String(), code, err
}

// close ends the script of the guest.
func (s *shell) close() { _ = s.conn.Close() }
