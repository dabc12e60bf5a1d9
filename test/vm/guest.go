package vm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// exitMarker is the last thing that a guest says.
var exitMarker = regexp.MustCompile(`DUOGATEWAY-EXIT (\d+)`)

var (
	errKilled = errors.New("the power of the guest was cut")
	errNoExit = errors.New("the guest has ended without an exit code")
)

// tail is how much of what a guest said an error quotes, in lines.
const tail = 40

// A Guest is a running machine. Its methods may be called from several
// goroutines.
type Guest struct {
	kill  context.CancelCauseFunc
	said  transcript
	ended chan struct{} // closed when QEMU is gone
	err   error         // why, if not by itself; once ended is closed
}

// Output is what the guest has said on its console so far, in lines that end
// with "\n".
func (g *Guest) Output() string {
	return g.said.String()
}

// WaitFor waits until the guest has said text. It is an error that the guest
// ends without.
func (g *Guest) WaitFor(ctx context.Context, text string) error {
	for {
		// In this order: what was said before the end is seen.
		ended := false
		select {
		case <-g.ended:
			ended = true
		default:
		}
		said, more := g.said.state()
		switch {
		case strings.Contains(said, text):
			return nil
		case ended:
			return fmt.Errorf("the guest ended without a word of %q; the end of what it said:\n%s", text, lastLines(said))
		}
		select {
		case <-more:
		case <-g.ended:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %q from the guest: %w; the end of what it said:\n%s", text, context.Cause(ctx), lastLines(said))
		}
	}
}

// Wait waits for the end of the guest and returns the exit code of its script.
// An error means that the script has not come to an end.
func (g *Guest) Wait() (code int, err error) {
	<-g.ended
	said := g.Output()
	found := exitMarker.FindStringSubmatch(said)
	if found == nil {
		err := g.err
		if err == nil {
			err = errNoExit
		}
		return 0, fmt.Errorf("%w; the end of what the guest said:\n%s", err, lastLines(said))
	}
	return strconv.Atoi(found[1])
}

// Kill cuts the power of the guest and waits until QEMU is gone.
func (g *Guest) Kill() {
	g.kill(errKilled)
	<-g.ended
}

// lastLines are the last lines of a text.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-tail):], "\n")
}
