package cli_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// metricsAddress is where the daemon that was started last says to ask.
func (p *place) metricsAddress(t *testing.T) string {
	t.Helper()
	var address string
	err := await("the daemon to say where its metrics are", func() bool {
		said := regexp.MustCompile(`msg=metrics address=(\S+)`).FindAllStringSubmatch(p.daemon.output(), -1)
		if len(said) > 0 {
			address = said[len(said)-1][1]
		}
		return address != ""
	})
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func scrape(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: limit}
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A job that is interrupted by the daemon's death and taken up again is counted
// once, when it ends; and no metric names a board, a job or a bay. // P3, P4
func TestMetricsOfAJobThatIsResumed(t *testing.T) {
	t.Parallel()
	p := &place{folder: t.TempDir(), env: os.Environ()}
	defer func() {
		if err := p.end(); err != nil {
			t.Error(err)
		}
	}()
	config := os.Expand(theConfig, func(string) string { return p.folder }) + "[metrics]\nlisten = \"127.0.0.1:0\"\n"
	if err := os.WriteFile(p.path("gatewayd.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, p.startBench("gatewayd.toml"))
	der := newKey(t)
	must(t, p.commission("bay-1", der))
	must(t, p.startDaemon("gatewayd.toml"))
	p.gatewayd(t, "diagnose", "bay-1", "--detach", "--id", "the-job")
	must(t, p.awaitJob("the-job", "enter-dfu"))
	must(t, p.stopDaemon(syscall.SIGKILL))
	must(t, p.startDaemon("gatewayd.toml"))
	must(t, p.awaitJob("the-job", "over"))
	p.gatewayd(t, "diagnose", "bay-1")

	check := func(when string, steps bool) {
		text := scrape(t, p.metricsAddress(t))
		if want := `gatewayd_jobs_total{kind="diagnose",verdict="pass"} 2`; !strings.Contains(text, want+"\n") {
			t.Errorf("%s: it does not tell %s:\n%s", when, want, text)
		}
		if told := strings.Contains(text, `gatewayd_step_seconds_count{kind="diagnose",step="identify"} 2`); told != steps {
			t.Errorf("%s: steps are told: %v", when, told)
		}
		for _, name := range []string{"the-job", "bay-1"} {
			if strings.Contains(text, name) {
				t.Errorf("%s: it tells of %s:\n%s", when, name, text)
			}
		}
		if ids := regexp.MustCompile(`[0-9a-f]{24}`).FindString(text); ids != "" {
			t.Errorf("%s: it tells of the board %s", when, ids)
		}
	}
	check("at the end", true)
	must(t, p.stopDaemon(syscall.SIGTERM))
	if err := os.Truncate(p.path("daemon.log"), 0); err != nil {
		t.Fatal(err)
	}
	must(t, p.startDaemon("gatewayd.toml"))
	check("after a restart", false)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gatewayd runs a command that must pass.
func (p *place) gatewayd(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "gatewayd"), args...)
	cmd.Env = append(p.env, fmt.Sprintf("GATEWAYD_SOCKET=%s", p.path("gatewayd.sock")))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gatewayd %v: %v\n%s", args, err, out)
	}
}
