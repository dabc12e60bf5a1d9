package daemon_test

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"duogateway/daemon"
)

// told waits until a log says something, and gives the first group of it.
func told(t *testing.T, log *logBuffer, what string) string {
	t.Helper()
	pattern := regexp.MustCompile(what)
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if found := pattern.FindStringSubmatch(log.String()); found != nil {
			return found[len(found)-1]
		}
	}
	t.Fatalf("the log does not say %s:\n%s", what, log)
	return ""
}

// A running daemon tells how it is, and what it is.
func TestMetrics(t *testing.T) {
	r := startWith(t, func(cfg *daemon.Config) {
		cfg.Metrics.Listen = "127.0.0.1:0"
		cfg.MQTT.Broker = "mqtt://127.0.0.1:1" // nobody is there
	})
	address := told(t, r.log, `msg=metrics address=(\S+)`)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`version="test"} 1`, `gatewayd_bays{state="empty"} 2`, "gatewayd_link_up 0", "gatewayd_clock_trusted 0",
		`gatewayd_jobs_total{kind="repair",verdict="pass"} 0`, "gatewayd_store_bytes ", "gatewayd_outbox_letters 0",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it does not tell %s:\n%s", want, text)
		}
	}
	if took := r.stop(); took > soon {
		t.Errorf("it took %v to stop", took)
	}
	if _, err := client.Get(address); err == nil {
		t.Error("a daemon that has ended tells metrics")
	}
}

// A station whose address for metrics is taken works all the same.
func TestMetricsAddressTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	r := startWith(t, func(cfg *daemon.Config) { cfg.Metrics.Listen = taken.Addr().String() })
	told(t, r.log, "nobody can ask for metrics")
	answer := r.get(t, "/v1/bays")
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("asked for its bays it says %s", answer.Status)
	}
}
