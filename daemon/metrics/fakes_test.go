package metrics_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"duogateway/cloudsync"
	"duogateway/daemon/metrics"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
)

// fakeStore tells what a test says.
type fakeStore struct {
	tally []keystore.Count
	stats keystore.OutboxStats
	size  int64
	fail  error
}

func (s fakeStore) Tally() ([]keystore.Count, error)           { return s.tally, s.fail }
func (s fakeStore) OutboxStats() (keystore.OutboxStats, error) { return s.stats, s.fail }
func (s fakeStore) Size() (int64, error)                       { return s.size, s.fail }

// secretText stands for what must not get into a metric. // P4
const secretText = "e00fce68-secret"

// busy is a station with something to tell of everything.
func busy() metrics.Sources {
	oldest := job.Stamp{At: time.Now().Add(-time.Hour)}
	return metrics.Sources{
		Version: "v1.2.3",
		Store: fakeStore{
			tally: []keystore.Count{{Kind: "", End: "rejected", Jobs: 4}, {Kind: job.Repair, End: "pass", Jobs: 7}, {Kind: job.Repair, End: "timed_out", Jobs: 1}},
			stats: keystore.OutboxStats{Letters: 3, Bytes: 1234, Oldest: &oldest, Dropped: 5},
			size:  65536,
		},
		Steps: metrics.NewSteps(),
		Bays: func() ([]station.Status, error) {
			last := &job.Job{DeviceID: secretText}
			return []station.Status{
				{Name: secretText}, {Occupied: true, DeviceID: secretText, Last: last}, {Occupied: true},
				{Occupied: true, Running: secretText, Waiting: 2}, {Running: "b", Waiting: 1, Trouble: secretText},
			}, nil
		},
		Link: func() cloudsync.Status {
			return cloudsync.Status{Connected: true, LastError: secretText, Connects: 6, Sent: 8, Received: 9, Missing: []string{secretText}, Twin: new(cloudsync.Twin)}
		},
		Clock: job.Clock{Synchronised: func() bool { return true }},
	}
}

// lockedBuffer may be read while a log is written to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// scrape asks once, and gives the lines about the gateway, in order.
func scrape(t *testing.T, from metrics.Sources) (lines []string, log string) {
	t.Helper()
	var complaints lockedBuffer
	answer := httptest.NewRecorder()
	metrics.Handler(from, slog.New(slog.NewTextHandler(&complaints, nil))).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.Code != http.StatusOK {
		t.Fatalf("%d, %v, %s", answer.Code, err, text)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "gatewayd_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.Sort(lines)
	return lines, complaints.String()
}

var errBroken = errors.New("the store is broken: " + secretText)
