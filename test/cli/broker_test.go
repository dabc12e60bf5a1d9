package cli_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// typed is a command that a program says to type.
func typed(t *testing.T, said, command string) string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^ *(` + command + ` .*)$`).FindStringSubmatch(said)
	if line == nil {
		t.Fatalf("nobody says to type %s:\n%s", command, said)
	}
	return line[1]
}

// listenTo types the command to listen, and gives what comes in. Messages that
// came before are there only if they were retained.
func listenTo(t *testing.T, said string) *lockedBuffer {
	t.Helper()
	heard := new(lockedBuffer)
	cmd := exec.Command("sh", "-c", "exec "+typed(t, said, "mosquitto_sub"))
	cmd.Stdout, cmd.Stderr = heard, heard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return heard
}

// say types the command to send something.
func say(ctx context.Context, t *testing.T, said string) {
	t.Helper()
	if out, err := exec.CommandContext(ctx, "sh", "-c", typed(t, said, "mosquitto_pub")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The broker says what to type, and that works as it stands there.
func TestBroker(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var said, complaints lockedBuffer
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "virtualbench"), "broker", "--listen", "127.0.0.1:0", "--station", "north", "--bay", "left")
	cmd.Stdout, cmd.Stderr = &said, &complaints
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := await("the broker to say what to type", func() bool { return strings.Contains(said.String(), "mosquitto_pub") }); err != nil {
		t.Error(err)
	}
	heard := listenTo(t, said.String())
	err := await("the request to arrive", func() bool {
		say(ctx, t, said.String())
		time.Sleep(100 * time.Millisecond) // the listener may not be there yet
		return strings.Contains(heard.String(), `duogateway/v1/north/jobs/request {"id":"by-hand-`)
	})
	if err != nil || !strings.Contains(heard.String(), `"bay":"left"`) {
		t.Errorf("%v: %s", err, heard.String())
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil || complaints.String() != "" {
		t.Errorf("%v, stderr %q", err, complaints.String())
	}
}

// Everybody may say everything there, so it is for the own machine.
func TestBrokerStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"all addresses": {"--listen", "0.0.0.0:0"},
		"no port":       {"--listen", "127.0.0.1"},
		"no name":       {"--listen", "127.0.0.1:0", "--station", "a/b"},
		"no bay":        {"--listen", "127.0.0.1:0", "--bay", "'"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		out, err := exec.CommandContext(ctx, filepath.Join(binaries, "virtualbench"), append([]string{"broker"}, args...)...).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !bytes.HasPrefix(out, []byte("virtualbench: ")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
