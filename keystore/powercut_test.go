package keystore_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"duogateway/job"
	"duogateway/keystore"
)

// A process that is killed at any moment has stored all that it was told is
// stored, and the store is sound. // P1, P3, P5
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	done := make(map[int]job.State) // what was acknowledged
	for round := range 10 {
		killed(t, folder, time.Duration(rand.IntN(60))*time.Millisecond, done)
		s, err := keystore.Open(folder, keystore.Options{})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		expectWork(t, s, done)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d jobs were acknowledged", len(done))
	if len(done) == 0 {
		t.Error("nothing was acknowledged")
	}
}

// killed lets a process work on a store, and kills it some time after it has
// begun. It notes in done what the process said.
func killed(t *testing.T, folder string, after time.Duration, done map[int]job.State) {
	t.Helper()
	worker := child(t, "on", folder)
	said, err := worker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for first := true; lines.Scan(); first = false {
		var state job.State
		var i int
		if _, err := fmt.Sscan(lines.Text(), &state, &i); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		done[i] = state
		if first {
			time.AfterFunc(after, func() { _ = worker.Process.Kill() })
		}
	}
	if err := worker.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process ended by itself: %v", err)
	}
}

// expectWork compares a store with what was acknowledged. Beyond that it may
// know one step more.
func expectWork(t *testing.T, s *keystore.Store, done map[int]job.State) {
	t.Helper()
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	order := []job.State{job.Queued, job.Running, job.Succeeded}
	ahead, steps := 0, 0
	jobs, err := s.Jobs(1e9)
	if err != nil || len(jobs) < len(done) {
		t.Errorf("%d jobs of %d, %v", len(jobs), len(done), err)
	}
	for i := range len(jobs) {
		j, _, ok, err := s.Job(workJob(i))
		if err != nil || !ok {
			t.Fatalf("job %d: %v, %v", i, ok, err)
		}
		known, said := slices.Index(order, j.State)+1, slices.Index(order, done[i])+1
		if known < said {
			t.Errorf("job %d is %s, but %s was acknowledged", i, j.State, done[i])
		}
		ahead, steps = ahead+known-said, steps+known
		done[i] = j.State
		if known == 1 {
			continue
		}
		steps++ // the event of the record
		want := record(device(i), i)
		if i%5 == 0 { // each takes its time
			got, err := s.Record(want.ContentID())
			if err != nil {
				t.Fatal(err)
			}
			expectSame(t, got, want)
		}
	}
	if ahead > 1 {
		t.Errorf("%d steps were stored and not acknowledged", ahead)
	}
	expectNumbers(t, s, steps)
}

// expectNumbers looks for gaps in the events, and for letters that are missing.
func expectNumbers(t *testing.T, s *keystore.Store, want int) {
	t.Helper()
	events, err := s.Events(0, 1e9)
	if err != nil || len(events) != want {
		t.Errorf("%d events, want %d, %v", len(events), want, err)
	}
	for i, event := range events {
		if event.Number != uint64(i+1) {
			t.Fatalf("event %d is %+v", i+1, event)
		}
	}
	letters, err := s.Outbox(1e9)
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]int)
	for _, letter := range letters {
		switch letter.Kind {
		case job.EventLetter:
			if want := events[told["events"]]; *letter.Event != want {
				t.Fatalf("letter %d is %+v, want %+v", letter.Number, letter.Event, want)
			}
			told["events"]++
		case job.JobLetter:
			told[letter.Job.ID]++
		}
	}
	jobs, err := s.Jobs(1e9)
	if err != nil || told["events"] != want || len(told) != len(jobs)+1 || len(letters) != want+len(jobs) {
		t.Errorf("%d letters of %d events and %d jobs, %v", len(letters), want, len(jobs), err)
	}
}

// A full disk refuses what is new and keeps what is there. // P5
func TestFullDisk(t *testing.T) {
	folder := t.TempDir()
	said, err := child(t, "full", folder).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	stored := len(lines) - 1
	if want := fmt.Sprint(job.StoreFailed, " ", stored); stored < 5 || lines[stored] != want {
		t.Fatalf("after %d commits it said %q, want %q", stored, lines[stored], want)
	}
	s := open(t, folder, keystore.Options{})
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	jobs, err := s.Jobs(999)
	if err != nil || len(jobs) != stored {
		t.Errorf("%d jobs of %d, %v", len(jobs), stored, err)
	}
	if records, err := s.AllRecords(); err != nil || len(records) != stored {
		t.Errorf("%d records of %d, %v", len(records), stored, err)
	}
	commit(t, s, workEntry(stored, job.Succeeded)) // there is room again
}

// call matches a line of strace: what was called, and for which files.
var call = regexp.MustCompile(`^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)`)

// What is to be on the disk is put there, and in this order: the folder, the
// identity, the store, and only then a record; and what was written is synced
// before it is acknowledged. // P1, P5
func TestOrderOnTheDisk(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	parent := t.TempDir()
	folder := filepath.Join(parent, "store")
	worker := child(t, "once", folder)
	trace := filepath.Join(parent, "trace")
	worker.Args = append([]string{strace, "-f", "-y", "-s", "9", "-o", trace,
		"-e", "trace=mkdirat,fsync,fdatasync,renameat,renameat2,rename,pwrite64,write"}, worker.Path, folder)
	worker.Path = strace
	if said, err := worker.Output(); err != nil || string(said) != "open\nstored 1\n" {
		t.Skipf("processes cannot be traced here: %q, %v", said, err)
	}
	var did []string
	for line := range strings.Lines(string(read(t, trace))) {
		if act := inWords(line, parent); act != "" && (len(did) == 0 || did[len(did)-1] != act) {
			did = append(did, act)
		}
	}
	want := []string{
		"make store", "sync .",
		"write store/.identity", "sync store/.identity", "rename store/.identity store/identity", "sync store",
		"write store/store.db.new", "sync store/store.db.new", "write store/store.db.new", "sync store/store.db.new",
		"write store/store.db.new", "sync store/store.db.new", "rename store/store.db.new store/store.db", "sync store",
		"say open",
		"write store/store.db", "sync store/store.db", "write store/store.db", "sync store/store.db",
		"say stored 1",
	}
	if !slices.Equal(did, want) {
		t.Errorf("it did\n%s\nwant\n%s", strings.Join(did, "\n"), strings.Join(want, "\n"))
	}
}

// inWords tells a line of strace in short, or nothing if it is of no interest.
// The number that makes the name of a temporary file unique is left out.
func inWords(line, parent string) string {
	found := call.FindStringSubmatch(line)
	if found == nil {
		return ""
	}
	what, args := found[1], found[2]
	files := regexp.MustCompile(regexp.QuoteMeta(parent)+`([^">]*)`).FindAllStringSubmatch(args, -1)
	var names []string
	for _, f := range files {
		name := strings.TrimPrefix(f[1], "/")
		if name == "" {
			name = "."
		}
		names = append(names, strings.TrimRight(name, "0123456789"))
	}
	switch {
	case what == "write" && strings.HasPrefix(args, "1<"):
		return "say " + strings.TrimSuffix(strings.SplitN(args, `"`, 3)[1], `\n`)
	case len(names) == 0:
		return ""
	case what == "mkdirat":
		return "make " + names[0]
	case what == "fsync" || what == "fdatasync":
		return "sync " + names[0]
	case strings.HasPrefix(what, "rename"):
		return "rename " + strings.Join(names[len(names)-2:], " ")
	default:
		return "write " + names[0]
	}
}
