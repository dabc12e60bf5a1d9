package keystore_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"duogateway/job"
	"duogateway/keystore"
)

// childEnv makes the test binary a process that works on the store in the
// folder that its argument names. What it has been told is stored it says, one
// line each, on its standard output.
const childEnv = "KEYSTORE_TEST_CHILD"

var children = map[string]func(folder string){
	"once": workOnce,
	"on":   workOn,
	"full": workUntilFull,
}

// child prepares such a process.
func child(t testing.TB, work, folder string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, folder)
	command.Env = append(os.Environ(), childEnv+"="+work)
	command.Stderr = os.Stderr
	return command
}

func workOnce(folder string) {
	s := must(keystore.Open(folder, keystore.Options{}))
	fmt.Println("open")
	check(s.Commit(workEntry(1, job.Running)))
	fmt.Println("stored 1")
}

// workOn admits and ends jobs until it is killed, from the first that is new.
func workOn(folder string) {
	s := must(keystore.Open(folder, keystore.Options{Post: true}))
	for i := len(must(s.Jobs(1e9))); ; i++ {
		for _, state := range []job.State{job.Queued, job.Running, job.Succeeded} {
			check(s.Commit(workEntry(i, state)))
			fmt.Println(state, i)
		}
	}
}

// workUntilFull works until the disk is full, as a limit pretends.
func workUntilFull(folder string) {
	s := must(keystore.Open(folder, keystore.Options{}))
	limit := unix.Rlimit{Cur: 200 << 10, Max: 200 << 10}
	check(unix.Setrlimit(unix.RLIMIT_FSIZE, &limit))
	for i := 0; ; i++ {
		if err := s.Commit(workEntry(i, job.Succeeded)); err != nil {
			fmt.Println(job.ReportOf(err).Code, i)
			break
		}
		fmt.Println(job.Succeeded, i)
	}
	check(s.Check())
	check(s.Close())
}

// workEntry is the transaction that takes job number i to a state. When it runs it
// stores a record.
func workEntry(i int, state job.State) *job.Entry {
	e := entry(workJob(i), state)
	if state != job.Queued {
		e.Records = []job.KeyRecord{record(device(i), i)}
	}
	return e
}

func workJob(i int) string { return fmt.Sprint("job-", i) }

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(1)
	}
}
