package cli_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"duogateway/job"
)

// commands are what scripts can say beside the usual.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"bench":    cmdBench,
	"daemon":   cmdDaemon,
	"board":    cmdBoard,
	"await":    cmdAwait,
	"exits":    cmdExits,
	"complain": cmdComplain,
	"record":   cmdRecord,
	"sha256":   cmdSHA256,
	"broker":   cmdBroker,
	"heard":    cmdHeard,
}

func placeOf(ts *testscript.TestScript) *place { return ts.Value(placeKey{}).(*place) }

// want ends a script that says a command wrong.
func want(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

// cmdBench: bench CONFIG. It starts a bench with a board for each bay of the
// configuration; the boards have no power.
func cmdBench(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "bench CONFIG")
	ts.Check(placeOf(ts).startBench(args[0]))
}

// cmdDaemon: daemon start CONFIG | daemon stop SIGNAL.
func cmdDaemon(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "daemon start CONFIG | daemon stop TERM|INT|KILL")
	p := placeOf(ts)
	if args[0] == "start" {
		ts.Check(p.startDaemon(args[1]))
		return
	}
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}
	ts.Check(p.stopDaemon(signals[args[1]]))
}

// cmdBoard: board BAY key FILE gives the board a key and power; board BAY zero
// and board BAY garbage damage the key; board BAY state FILE writes the hash of
// its flash to a file.
func cmdBoard(ts *testscript.TestScript, neg bool, args []string) {
	const usage = "board BAY key FILE | zero | garbage | state FILE"
	want(ts, !neg && len(args) >= 2, usage)
	p, bay := placeOf(ts), args[0]
	switch what := args[1]; {
	case what == "key" && len(args) == 3:
		ts.Check(p.commission(bay, []byte(ts.ReadFile(args[2]))))
	case what == "zero", what == "garbage":
		ts.Check(p.damage(bay, what == "garbage"))
	case what == "state" && len(args) == 3:
		state, err := p.remote.Board(bay)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(state.FlashSHA256+"\n"+state.Fingerprint+"\n"), 0o600))
	default:
		want(ts, false, usage)
	}
}

// cmdAwait: await JOB|newest STATE|STEP|over.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "await JOB|newest STATE|STEP|over")
	ts.Check(placeOf(ts).awaitJob(args[0], args[1]))
}

// cmdExits: exits CODE PROGRAM [ARG...].
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 2, "exits CODE PROGRAM [ARG...]")
	if code := codeOf(ts, args[1:]); strconv.Itoa(code) != args[0] {
		ts.Fatalf("%s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

func codeOf(ts *testscript.TestScript, command []string) int {
	err := ts.Exec(command[0], command[1:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

// cmdComplain: complain CODE REGEXP PROGRAM [ARG...]. The program ends with the
// code, prints nothing on stdout and one line on stderr that matches, and at
// most one more line with a hint.
func cmdComplain(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 3, "complain CODE REGEXP PROGRAM [ARG...]")
	cmdExits(ts, false, append([]string{args[0]}, args[2:]...))
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("stdout holds %q", out)
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stderr"), "\n"), "\n")
	message, ok := strings.CutPrefix(lines[0], args[2]+": ")
	if matched, err := regexp.MatchString(args[1], message); !ok || !matched || err != nil {
		ts.Fatalf("the message is %q, want one of %s that matches %s (%v)", lines[0], args[2], args[1], err)
	}
	if len(lines) > 2 || (len(lines) == 2 && !isHint(lines[1])) {
		ts.Fatalf("want one line and a hint, not\n%s", strings.Join(lines, "\n"))
	}
}

func isHint(line string) bool {
	return strings.HasPrefix(line, "     ") || strings.HasPrefix(line, "Try: ")
}

// cmdRecord: record VARIABLE BAY puts the id of the newest key record of a bay
// into an environment variable.
func cmdRecord(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "record VARIABLE BAY")
	records, err := placeOf(ts).client.Keys(context.Background())
	ts.Check(err)
	id := ""
	for _, r := range records {
		if r.Bay == args[1] {
			id = r.ID
		}
	}
	if id == "" {
		ts.Fatalf("there is no record of %s in %+v", args[1], records)
	}
	ts.Setenv(args[0], id)
}

// cmdSHA256: sha256 FILE OUT.
func cmdSHA256(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "sha256 FILE OUT")
	sum := sha256.Sum256([]byte(ts.ReadFile(args[0])))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), fmt.Appendln(nil, hex.EncodeToString(sum[:])), 0o600))
}

// job finds a job by its id; "newest" is the one that was admitted last.
func (p *place) job(id string) (job.Job, error) {
	if id != "newest" {
		return p.client.Job(context.Background(), id)
	}
	jobs, err := p.client.Jobs(context.Background(), 1)
	if err != nil || len(jobs) == 0 {
		return job.Job{}, errors.Join(err, errors.New("there is no job"))
	}
	return jobs[0], nil
}

// awaitJob waits until a job is in a state, or in a step.
func (p *place) awaitJob(id, want string) error {
	var last job.Job
	err := await("job "+id+" to be "+want, func() bool {
		j, err := p.job(id)
		if err != nil {
			return false
		}
		last = j
		return string(j.State) == want || j.Step == want || (want == "over" && j.State.Final())
	})
	if err != nil {
		return fmt.Errorf("%w: it is %s, step %q", err, last.State, last.Step)
	}
	return nil
}
