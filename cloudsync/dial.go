package cloudsync

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// dial opens the way to a broker, within limit.
func dial(ctx context.Context, to address, with *tls.Config, limit time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	switch {
	case to.websocket:
		return mqtt.NewWebsocket(to.url.String(), with, limit, nil, nil)
	case to.encrypted:
		return (&tls.Dialer{Config: with}).DialContext(ctx, "tcp", to.host)
	default:
		return (&net.Dialer{}).DialContext(ctx, "tcp", to.host)
	}
}
