package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"duogateway/job"
)

// A script learns from the exit code whose fault it is, and a person what to
// do next, in one line and a hint.
func TestHowErrorsEnd(t *testing.T) {
	hint := func(code job.Code) string { return "              " + job.Lookup(code).Hint + "\n" }
	for name, c := range map[string]struct {
		err  error
		code int
		says string
	}{
		"none":        {nil, exitPass, ""},
		"plain":       {errors.New("it is broken"), exitInternal, "virtualbench: it is broken\n"},
		"usage":       {run(t.Context(), []string{"demo", "--nope"}), exitInternal, "virtualbench: unknown flag --nope\nTry: virtualbench --help\n"},
		"no command":  {run(t.Context(), nil), exitInternal, "virtualbench: expected one of \"demo\", \"dct\", \"bench\", \"daemon\", \"broker\", ...\nTry: virtualbench --help\n"},
		"a board":     {job.Failf(job.KeyDamaged, "zeroed"), exitFail, "virtualbench: zeroed\n" + hint(job.KeyDamaged)},
		"the station": {fmt.Errorf("starting: %w", job.Failf(job.StoreInUse, "in use")), exitError, "virtualbench: starting: in use\n" + hint(job.StoreInUse)},
		"the request": {job.Failf(job.UnknownBay, "no bay"), exitRejected, "virtualbench: no bay\n" + hint(job.UnknownBay)},
		"a bug":       {job.Failf("no-such-code", "odd"), exitError, "virtualbench: odd\n" + hint(job.Internal)},
		"Ctrl-C":      {fmt.Errorf("waiting: %w", context.Canceled), exitInternal, "virtualbench: interrupted\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var says strings.Builder
			complain(&says, c.err)
			if code := exitCode(c.err); code != c.code || says.String() != c.says {
				t.Errorf("exit code %d, want %d; it says %q, want %q", code, c.code, says.String(), c.says)
			}
		})
	}
}
