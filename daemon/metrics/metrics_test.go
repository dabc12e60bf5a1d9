package metrics_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"duogateway/daemon/metrics"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
)

// Whatever there is to tell is told, and nothing that names a board, a job or a
// bay. // P4
func TestScrape(t *testing.T) {
	lines, log := scrape(t, busy())
	for _, want := range []string{
		`gatewayd_clock_trusted 1`,
		`gatewayd_jobs_total{kind="repair",verdict="pass"} 7`,
		`gatewayd_jobs_total{kind="repair",verdict="timed_out"} 1`,
		`gatewayd_jobs_total{kind="repair",verdict="fail"} 0`,
		`gatewayd_jobs_total{kind="flash",verdict="pass"} 0`,
		`gatewayd_jobs_total{kind="other",verdict="rejected"} 4`,
		`gatewayd_jobs_waiting 3`,
		`gatewayd_bays{state="empty"} 1`,
		`gatewayd_bays{state="idle"} 2`,
		`gatewayd_bays{state="running"} 1`,
		`gatewayd_bays{state="trouble"} 1`,
		`gatewayd_outbox_letters 3`,
		`gatewayd_outbox_bytes 1234`,
		`gatewayd_outbox_dropped_total 5`,
		`gatewayd_link_up 1`,
		`gatewayd_link_connects_total 6`,
		`gatewayd_link_sent_total 8`,
		`gatewayd_link_received_total 9`,
		`gatewayd_link_missing_subscriptions 1`,
		`gatewayd_link_twin 1`,
		`gatewayd_store_bytes 65536`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("nobody tells %s", want)
		}
	}
	all := strings.Join(lines, "\n")
	if !regexp.MustCompile(`(?m)^gatewayd_build_info\{go="go1[^"]*",version="v1.2.3"\} 1$`).MatchString(all) ||
		!regexp.MustCompile(`(?m)^gatewayd_outbox_oldest_seconds 360\d\.`).MatchString(all) {
		t.Errorf("build or age are not as they should be:\n%s", all)
	}
	if strings.Contains(all, secretText) || log != "" {
		t.Errorf("log %q, metrics\n%s", log, all)
	}
}

// A station that has just been made tells that nothing has happened.
func TestScrapeOfNothing(t *testing.T) {
	lines, _ := scrape(t, metrics.Sources{
		Store: fakeStore{}, Steps: metrics.NewSteps(),
		Bays: func() ([]station.Status, error) { return nil, nil },
	})
	for _, line := range lines {
		if !strings.HasSuffix(line, " 0") && !strings.HasPrefix(line, "gatewayd_build_info") {
			t.Errorf("it tells %s", line)
		}
		if strings.HasPrefix(line, "gatewayd_link_") {
			t.Errorf("there is no broker, and it tells %s", line)
		}
	}
	if want := len(job.Kinds())*6 + 1; len(slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "gatewayd_jobs_total") })) != want {
		t.Errorf("not all %d counts of jobs are there", want)
	}
}

// What cannot be read does not hide the rest, and says why in the log alone.
func TestScrapeOfABrokenStore(t *testing.T) {
	from := busy()
	from.Store = fakeStore{fail: errBroken}
	lines, log := scrape(t, from)
	all := strings.Join(lines, "\n")
	if !strings.Contains(all, `gatewayd_bays{state="idle"} 2`) || !strings.Contains(all, "gatewayd_link_up 1") {
		t.Errorf("the rest is missing:\n%s", all)
	}
	if strings.Contains(all, "jobs_total") || strings.Contains(all, "store_bytes") || strings.Contains(all, secretText) {
		t.Errorf("it tells\n%s", all)
	}
	if !strings.Contains(log, "the store is broken") {
		t.Errorf("the log says %q", log)
	}
}

// The manual has each metric that there is, with its type and its labels.
func TestTableIsWhatIsTold(t *testing.T) {
	var table strings.Builder
	if err := metrics.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	from := busy()
	commit(t, from.Steps.Watch(memory{}), entry(job.Repair, 1, step("identify", time.Second)))
	lines, _ := scrape(t, from)
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\w+) \\| (.*?) \\| .*\\. \\|$").FindAllStringSubmatch(table.String(), -1) {
		documented[row[1]] = strings.NewReplacer("`", "", ", ", ",").Replace(row[3])
		if counter := strings.HasSuffix(row[1], "_total"); counter != (row[2] == "counter") {
			t.Errorf("%s is a %s", row[1], row[2])
		}
	}
	told := map[string]bool{}
	for _, line := range lines {
		name := regexp.MustCompile(`_(bucket|sum|count)(\{|$)`).ReplaceAllString(regexp.MustCompile(`^[a-z_]+`).FindString(line), "")
		var labels []string
		for _, l := range regexp.MustCompile(`[{,](\w+)="`).FindAllStringSubmatch(line, -1) {
			if l[1] != "le" {
				labels = append(labels, l[1])
			}
		}
		told[name] = true
		want := strings.Split(documented[name], ",")
		slices.Sort(want)
		if _, ok := documented[name]; !ok || strings.Join(labels, ",") != strings.Join(want, ",") {
			t.Errorf("%s: the manual has the labels %q, %v", line, documented[name], ok)
		}
	}
	if len(told) != len(documented) || len(told) < 17 {
		t.Errorf("%d metrics are told, the manual has %d", len(told), len(documented))
	}
}

// A real store is a source. How jobs ended is told over a restart, how long their
// steps took is not.
func TestCountsOutliveTheDaemon(t *testing.T) {
	folder := t.TempDir()
	for range 2 {
		store, err := keystore.Open(folder, keystore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		from := busy()
		from.Store = store
		e := entry(job.Repair, 1, step("identify", time.Second))
		e.Job.ID = job.NewID()
		e.Job.Bay = "a"
		e.Job.End(job.Pass, job.NotConfigured, nil, job.Stamp{})
		commit(t, from.Steps.Watch(store), e)
		lines, _ := scrape(t, from)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(lines, `gatewayd_step_seconds_count{kind="repair",step="identify"} 1`) {
			t.Errorf("the step was not timed")
		}
	}
	store, err := keystore.Open(folder, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	from := busy()
	from.Store = store
	if lines, _ := scrape(t, from); !slices.Contains(lines, `gatewayd_jobs_total{kind="repair",verdict="pass"} 2`) {
		t.Errorf("the jobs are not counted: %v", lines)
	}
}

// Only /metrics is there, only to read, and it ends with its context.
func TestServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		metrics.Serve(ctx, listener, busy(), slog.New(slog.DiscardHandler))
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{http.MethodGet, "/metrics", http.StatusOK},
		{http.MethodPost, "/metrics", http.StatusMethodNotAllowed},
		{http.MethodGet, "/", http.StatusNotFound},
		{http.MethodGet, "/debug/pprof/", http.StatusNotFound},
	} {
		request, err := http.NewRequestWithContext(ctx, c.method, "http://"+listener.Addr().String()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != c.code {
			t.Errorf("%s %s: %d, %v", c.method, c.path, answer.StatusCode, err)
		}
		if c.code == http.StatusOK && !strings.Contains(string(text), "process_resident_memory_bytes") {
			t.Errorf("the process tells nothing of itself:\n%s", text)
		}
	}
	cancel()
	<-ended
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("somebody still listens")
	}
}
