package daemon

import (
	"context"

	"duogateway/daemon/metrics"
)

// showMetrics lets Prometheus ask until ctx ends. A station works without, too:
// when the address cannot be had, that is logged.
func (d *Daemon) showMetrics(ctx context.Context) {
	if !d.Metrics.On() {
		return
	}
	listener, err := d.Metrics.open()
	if err != nil {
		d.Log.Error("nobody can ask for metrics", "error", err)
		return
	}
	d.Log.Info("metrics", "address", "http://"+listener.Addr().String()+"/metrics")
	metrics.Serve(ctx, listener, d.sources(), d.Log)
}

// sources are what there is to ask for metrics.
func (d *Daemon) sources() metrics.Sources {
	s := metrics.Sources{Version: d.Version, Store: d.store, Steps: d.steps, Bays: d.station.Bays, Clock: d.Clock}
	if d.link != nil {
		s.Link = d.link.Status
	}
	return s
}
