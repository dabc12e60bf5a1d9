package daemon

import (
	"fmt"
	"net"
	"net/netip"
)

// MetricsConfig says where Prometheus may ask how the station is.
type MetricsConfig struct {
	Listen string `toml:"listen" default:"none" doc:"Loopback address for Prometheus, as 127.0.0.1:9464; or \"none\"."`
}

// On tells whether somebody may ask.
func (m MetricsConfig) On() bool { return m.Listen != "" }

// check refuses an address that others than this machine reach: whoever asks is
// not asked who he is. Names are refused because it is not known where they lead.
func (m MetricsConfig) check() error {
	if !m.On() {
		return nil
	}
	if at, err := netip.ParseAddrPort(m.Listen); err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("metrics.listen %q: want an address of the loopback with a port, such as 127.0.0.1:9464", m.Listen)
	}
	return nil
}

// open opens the address.
func (m MetricsConfig) open() (net.Listener, error) {
	listener, err := net.Listen("tcp", m.Listen)
	if err != nil {
		return nil, fmt.Errorf("opening the address for metrics: %w", err)
	}
	return listener, nil
}
