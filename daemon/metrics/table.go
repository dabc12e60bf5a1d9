package metrics

import (
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metric is one line of the manual, and what Prometheus is told of it.
type metric struct {
	name   string
	kind   prometheus.ValueType // of a histogram: untyped
	labels []string
	help   string
}

// The metrics of a station.
var (
	buildInfo = metric{"gatewayd_build_info", prometheus.GaugeValue, []string{"version", "go"}, "Always 1; the labels tell what runs."}
	clockSet  = metric{"gatewayd_clock_trusted", prometheus.GaugeValue, nil, "1 when the clock is synchronised. Only then jobs are taken from afar."}

	jobs    = metric{"gatewayd_jobs_total", prometheus.CounterValue, []string{"kind", "verdict"}, "Jobs that are over, since the store was made: verdict pass, fail, error or rejected, or canceled or timed_out. The kind is other where the station does not know it."}
	waiting = metric{"gatewayd_jobs_waiting", prometheus.GaugeValue, nil, "Jobs that wait for their bay."}
	steps   = metric{"gatewayd_step_seconds", prometheus.UntypedValue, []string{"kind", "step"}, "How long the steps of jobs took, since the daemon was started. Steps in which the clock was set are left out."}
	bays    = metric{"gatewayd_bays", prometheus.GaugeValue, []string{"state"}, "Bays by state: empty, idle (a board is in it), running, or trouble (the bay takes no work)."}

	outboxLetters = metric{"gatewayd_outbox_letters", prometheus.GaugeValue, nil, "Letters that wait for the broker to acknowledge them."}
	outboxBytes   = metric{"gatewayd_outbox_bytes", prometheus.GaugeValue, nil, "Bytes of JSON that they tell."}
	outboxAge     = metric{"gatewayd_outbox_oldest_seconds", prometheus.GaugeValue, nil, "How long the oldest one has waited; 0 when none waits."}
	outboxDropped = metric{"gatewayd_outbox_dropped_total", prometheus.CounterValue, nil, "Progress events that were given up for want of room, since the store was made."}

	linkUp       = metric{"gatewayd_link_up", prometheus.GaugeValue, nil, "1 when the broker is connected. This and what follows is there only with a broker."}
	linkConnects = metric{"gatewayd_link_connects_total", prometheus.CounterValue, nil, "How often the link came up, since the daemon was started."}
	linkSent     = metric{"gatewayd_link_sent_total", prometheus.CounterValue, nil, "Letters that the broker has acknowledged, since the daemon was started."}
	linkReceived = metric{"gatewayd_link_received_total", prometheus.CounterValue, nil, "Requests and cancels that came in, repeats too, since the daemon was started."}
	linkMissing  = metric{"gatewayd_link_missing_subscriptions", prometheus.GaugeValue, nil, "Subscriptions that the broker does not grant."}
	linkTwin     = metric{"gatewayd_link_twin", prometheus.GaugeValue, nil, "1 when another station of the same name is about."}

	storeBytes = metric{"gatewayd_store_bytes", prometheus.GaugeValue, nil, "Size of the file of the store."}
)

// all are the metrics in the order of the manual.
func all() []metric {
	return []metric{
		buildInfo, clockSet, jobs, waiting, steps, bays,
		outboxLetters, outboxBytes, outboxAge, outboxDropped,
		linkUp, linkConnects, linkSent, linkReceived, linkMissing, linkTwin,
		storeBytes,
	}
}

func (m metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.name, m.help, m.labels, nil) }

// now is the metric with its present value.
func (m metric) now(value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(m.desc(), m.kind, value, labels...)
}

// WriteTable writes the reference of the metrics in Markdown.
func WriteTable(w io.Writer) error {
	text := "| metric | type | labels | meaning |\n|---|---|---|---|\n"
	for _, m := range all() {
		labels := ""
		if len(m.labels) > 0 {
			labels = "`" + strings.Join(m.labels, "`, `") + "`"
		}
		text += fmt.Sprintf("| `%s` | %s | %s | %s |\n", m.name, m.word(), labels, m.help)
	}
	_, err := io.WriteString(w, text)
	return err
}

// word is the type as Prometheus names it.
func (m metric) word() string {
	switch m.kind {
	case prometheus.CounterValue:
		return "counter"
	case prometheus.GaugeValue:
		return "gauge"
	default:
		return "histogram"
	}
}
