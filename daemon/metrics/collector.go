package metrics

import (
	"cmp"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"duogateway/cloudsync"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
)

// Sources are asked at each scrape. They are called by several goroutines.
type Sources struct {
	Version string
	Store   Store
	Steps   *Steps
	Bays    func() ([]station.Status, error)
	Link    func() cloudsync.Status // nil without a broker
	Clock   job.Clock
}

// Store tells what is in the store; keystore.Store does.
type Store interface {
	// Tally counts the jobs that are over.
	Tally() ([]keystore.Count, error)
	// OutboxStats tells how full the outbox is.
	OutboxStats() (keystore.OutboxStats, error)
	// Size is how many bytes the file of the store has.
	Size() (int64, error)
}

// collector asks the sources.
type collector struct{ Sources }

// Describe lists what Collect gives.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range all() {
		if m.name != steps.name {
			out <- m.desc()
		}
	}
}

// Collect tells how things stand now. What cannot be read is told as an error
// in its place; the rest is told all the same.
func (c collector) Collect(out chan<- prometheus.Metric) {
	out <- buildInfo.now(1, c.Version, runtime.Version())
	out <- clockSet.now(truth(c.Clock.Now().Trusted))
	c.jobs(out)
	c.bays(out)
	c.outbox(out)
	c.link(out)
	size, err := c.Store.Size()
	if failed(out, err, storeBytes) {
		return
	}
	out <- storeBytes.now(float64(size))
}

// failed puts an error in the place of metrics.
func failed(out chan<- prometheus.Metric, err error, metrics ...metric) bool {
	if err == nil {
		return false
	}
	for _, m := range metrics {
		out <- prometheus.NewInvalidMetric(m.desc(), err)
	}
	return true
}

// otherKind stands for all kinds that the station does not know: what others
// have made up is no label.
const otherKind = "other"

// ends are the ways in which a job ends.
var ends = []string{string(job.Pass), string(job.Fail), string(job.Error), string(job.Denied), string(job.Canceled), string(job.TimedOut)}

// jobs tells all counts, those that are 0 too: only so the first job of a kind
// is seen as a rise. A kind that the station does not know can only be rejected.
func (c collector) jobs(out chan<- prometheus.Metric) {
	tally, err := c.Store.Tally()
	if failed(out, err, jobs) {
		return
	}
	type ending struct{ kind, end string }
	counts := map[ending]uint64{{otherKind, string(job.Denied)}: 0}
	for _, kind := range job.Kinds() {
		for _, end := range ends {
			counts[ending{string(kind), end}] = 0
		}
	}
	for _, t := range tally {
		counts[ending{cmp.Or(string(t.Kind), otherKind), t.End}] += t.Jobs
	}
	for e, n := range counts {
		out <- jobs.now(float64(n), e.kind, e.end)
	}
}

func (c collector) bays(out chan<- prometheus.Metric) {
	all, err := c.Bays()
	if failed(out, err, bays, waiting) {
		return
	}
	states := map[string]int{"empty": 0, "idle": 0, "running": 0, "trouble": 0}
	queued := 0
	for _, b := range all {
		states[stateOf(b)]++
		queued += b.Waiting
	}
	for state, n := range states {
		out <- bays.now(float64(n), state)
	}
	out <- waiting.now(float64(queued))
}

func stateOf(b station.Status) string {
	switch {
	case b.Trouble != "":
		return "trouble"
	case b.Running != "":
		return "running"
	case b.Occupied:
		return "idle"
	default:
		return "empty"
	}
}

func (c collector) outbox(out chan<- prometheus.Metric) {
	stats, err := c.Store.OutboxStats()
	if failed(out, err, outboxLetters, outboxBytes, outboxAge, outboxDropped) {
		return
	}
	age := time.Duration(0)
	if stats.Oldest != nil {
		age = max(0, c.Clock.Now().At.Sub(stats.Oldest.At))
	}
	out <- outboxLetters.now(float64(stats.Letters))
	out <- outboxBytes.now(float64(stats.Bytes))
	out <- outboxAge.now(age.Seconds())
	out <- outboxDropped.now(float64(stats.Dropped))
}

func (c collector) link(out chan<- prometheus.Metric) {
	if c.Link == nil {
		return
	}
	status := c.Link()
	out <- linkUp.now(truth(status.Connected))
	out <- linkConnects.now(float64(status.Connects))
	out <- linkSent.now(float64(status.Sent))
	out <- linkReceived.now(float64(status.Received))
	out <- linkMissing.now(float64(len(status.Missing)))
	out <- linkTwin.now(truth(status.Twin != nil))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
