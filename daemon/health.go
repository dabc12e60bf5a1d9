package daemon

import (
	"duogateway/cloudsync"
	"duogateway/keystore"
)

// Health tells that the daemon runs, what it is, and how it stands.
type Health struct {
	Version      string      `json:"version"`
	Station      string      `json:"station"`
	OK           bool        `json:"ok"`
	ClockTrusted bool        `json:"clock_trusted"`  // requests from afar are taken only then
	Link         *LinkHealth `json:"link,omitempty"` // absent without a broker
}

// LinkHealth tells how the link to the broker is.
type LinkHealth struct {
	Broker string `json:"broker"`
	cloudsync.Status
	Outbox keystore.OutboxStats `json:"outbox"`
}

func (d *Daemon) health() (Health, error) {
	h := Health{Version: d.Version, Station: d.Config.Station, OK: true, ClockTrusted: d.Clock.Now().Trusted}
	if d.link == nil {
		return h, nil
	}
	stats, err := d.store.OutboxStats()
	h.Link = &LinkHealth{Broker: d.MQTT.Broker, Status: d.link.Status(), Outbox: stats}
	return h, err
}
