package gpio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// osChild is a child process of ours.
type osChild struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	done           chan struct{}
}

var _ startedChild = (*osChild)(nil)

// startProcess starts the gesture's process in a process group of its own, so
// that no signal to the daemon's group reaches it.
func (r *Runner) startProcess(asked request) (startedChild, error) {
	argument, err := json.Marshal(asked)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	args := append(append([]string{}, r.config.Command[1:]...), string(argument))
	//nolint:gosec // the command is this program, given by whoever composes it
	c := &osChild{cmd: exec.Command(r.config.Command[0], args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	c.cmd.WaitDelay = time.Second
	c.cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true,
		// If this process dies while the child is stopped, the child must not
		// stay so: awake it follows the rule by itself.
		Pdeathsig: syscall.SIGCONT,
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the gesture's process: %w", err)
	}
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait() // the report says more than the exit code
	}()
	return c, nil
}

func (c *osChild) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *osChild) signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func (c *osChild) output() (stdout, stderr []byte) {
	return c.stdout.Bytes(), c.stderr.Bytes()
}
