package cli_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/job"
)

// everything is all that the programs have printed and answered in a test.
type everything struct {
	*place
	t    *testing.T
	seen strings.Builder
}

// run runs gatewayd and keeps what it prints.
func (e *everything) run(args ...string) {
	e.t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "gatewayd"), args...)
	cmd.Env = e.env
	out, err := cmd.CombinedOutput()
	fmt.Fprintf(&e.seen, "\n$ gatewayd %v: %v\n%s", args, err, out)
}

// get asks the local API itself and keeps its answer.
func (e *everything) get(path string) {
	e.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", e.path("gatewayd.sock"))
	}}
	response, err := (&http.Client{Transport: transport}).Get("http://gatewayd" + path)
	if err != nil {
		e.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	fmt.Fprintf(&e.seen, "\nGET %s\n%s", path, text)
}

// P4: in a run of everything that there is, no part of a private key shows:
// not in what is printed or answered, not in a log, not in the store, not in
// the runtime folder, not in the memory of jobs.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	e := &everything{t: t, place: &place{folder: folder, env: append(os.Environ(), "GATEWAYD_SOCKET="+filepath.Join(folder, "gatewayd.sock"))}}
	t.Cleanup(func() {
		if err := e.end(); err != nil {
			t.Error(err)
		}
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	config := os.Expand(theConfig, func(string) string { return folder })
	must(os.WriteFile(e.path("gatewayd.toml"), []byte(config), 0o600))
	must(e.startBench("gatewayd.toml"))
	must(e.commission("bay-1", newKey(t)))
	must(e.commission("bay-2", newKey(t)))
	must(e.startDaemon("gatewayd.toml"))

	bothBays := func(args ...string) {
		done := make(chan string)
		for _, bay := range []string{"bay-1", "bay-2"} {
			go func() {
				cmd := exec.Command(filepath.Join(binaries, "gatewayd"), append(args, bay)...)
				cmd.Env = e.env
				out, err := cmd.CombinedOutput()
				done <- fmt.Sprintf("\n$ gatewayd %v %s: %v\n%s", args, bay, err, out)
			}()
		}
		e.seen.WriteString(<-done + <-done)
	}
	bothBays("backup")
	must(e.damage("bay-1", false))
	must(e.damage("bay-2", true))
	bothBays("repair", "--json")
	bothBays("restore")

	records, err := e.client.Keys(t.Context())
	must(err)
	if len(records) < 4 {
		t.Errorf("%d records, want two of each board", len(records))
	}
	e.run("repair", "bay-9")
	e.run("restore", "bay-1", "--record", firstOf(records, "bay-2").ID)
	for _, args := range [][]string{{"jobs"}, {"jobs", "--json"}, {"keys"}, {"keys", "--json"}, {"events", "--limit", "1000"}, {"events", "--limit", "1000", "--json"}, {"bays"}, {"bays", "--json"}, {"health"}} {
		e.run(args...)
	}
	for _, path := range []string{"/v1/jobs?limit=100", "/v1/audit", "/v1/keys", "/v1/events", "/v1/bays"} {
		e.get(path)
	}
	// The tool that reads dumps, on a dump with a sound key.
	dump := make([]byte, 49152)
	flash, err := e.remote.DumpFlash("bay-1")
	must(err)
	copy(dump, flash.Reveal()[0x4000:0x10000])
	e.run("dct", "inspect", keyFile(t, dump))
	e.run("dct", "inspect", "--json", keyFile(t, dump))

	if n := strings.Count(e.seen.String(), "verdict pass") + strings.Count(e.seen.String(), `"verdict": "pass"`); n < 6 {
		t.Errorf("only %d passes:\n%s", n, e.seen.String())
	}
	secrets, err := secretsOf(e.keys)
	must(err)
	if how := leak([]byte(e.seen.String()), secrets); how != "" {
		t.Errorf("printed: %s", how)
	}
	must(e.findSecrets())            // while it runs
	must(e.stopDaemon(os.Interrupt)) // and when it has stopped
	must(e.findSecrets())
	if how := leak(dump, secrets); how == "" {
		t.Error("the search does not find the key in the dump")
	}
}

func firstOf(records []job.RecordInfo, bay string) job.RecordInfo {
	for _, r := range records {
		if r.Bay == bay {
			return r
		}
	}
	return job.RecordInfo{}
}
