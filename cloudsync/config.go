package cloudsync

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"duogateway/job"
)

// The limits of a link, where the configuration says nothing.
const (
	DefaultKeepAlive      = time.Minute
	DefaultConnectTimeout = 20 * time.Second
	DefaultAckTimeout     = 20 * time.Second
	DefaultMinRetry       = time.Second
	DefaultMaxRetry       = time.Minute
	DefaultMaxPayload     = 64 << 10
)

// MaxKeepAlive is the longest keep-alive: IoT Hub takes at most 1177 s
// (learn.microsoft.com articles/iot-hub/iot-hub-mqtt-support).
const MaxKeepAlive = 1177 * time.Second

// Config says where the broker is and who the station is to it.
//
// Files are read anew at each connect, so that they can be exchanged while the
// link runs. A file name that is not absolute is the name of a systemd
// credential.
type Config struct {
	// Station is the name of the station: its client id, and part of each topic.
	Station string

	// Broker is a URL: mqtts://host[:8883], wss://host[:443]/path; without
	// encryption mqtt://host[:1883] and ws://host[:80]/path, which only the own
	// machine is spoken to with unless Insecure is set.
	Broker   string
	Insecure bool

	// Profile names the topics: see [Profiles]. Empty means generic.
	Profile string

	CA          string // file of PEM certificates to trust in place of the system's
	Certificate string // file of the client's certificate, PEM
	Key         string // file of its private key, PEM
	ServerName  string // expected in the broker's certificate; empty means the host of Broker

	User         string
	PasswordFile string

	// Credentials is the folder of the systemd credentials, as
	// $CREDENTIALS_DIRECTORY has it.
	Credentials string

	KeepAlive      time.Duration // 1 s to [MaxKeepAlive]
	ConnectTimeout time.Duration // until the broker has accepted
	AckTimeout     time.Duration // a broker that takes longer to acknowledge is given up
	MinRetry       time.Duration // shortest wait before connecting again
	MaxRetry       time.Duration // longest
	MaxPayload     int           // bytes of a request
}

// withDefaults fills in what the configuration does not say.
func (c Config) withDefaults() Config {
	orElse(&c.Profile, Generic)
	orElse(&c.KeepAlive, DefaultKeepAlive)
	orElse(&c.ConnectTimeout, DefaultConnectTimeout)
	orElse(&c.AckTimeout, DefaultAckTimeout)
	orElse(&c.MinRetry, DefaultMinRetry)
	orElse(&c.MaxRetry, DefaultMaxRetry)
	orElse(&c.MaxPayload, DefaultMaxPayload)
	return c
}

func orElse[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Check finds what is wrong with a configuration, all of it. It opens no file.
func (c Config) Check() error {
	c = c.withDefaults()
	var wrong []error
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if !job.ValidName(c.Station) {
		complain("station %q: want 1 to 64 of A-Z a-z 0-9 . _ -", c.Station)
	}
	if _, ok := profileNamed(c.Profile); !ok {
		complain("profile %q: want one of %v", c.Profile, Profiles())
	}
	if _, err := c.address(); err != nil {
		wrong = append(wrong, err)
	}
	if (c.Certificate == "") != (c.Key == "") {
		complain("a client certificate needs its key, and a key its certificate")
	}
	if c.PasswordFile != "" && c.User == "" && c.Profile == Generic {
		complain("a password needs a user")
	}
	if c.KeepAlive < time.Second || c.KeepAlive > MaxKeepAlive {
		complain("keep-alive %v: want 1s to %v", c.KeepAlive, MaxKeepAlive)
	}
	if c.MinRetry <= 0 || c.MaxRetry < c.MinRetry {
		complain("retry from %v to %v: want a range of positive times", c.MinRetry, c.MaxRetry)
	}
	return errors.Join(wrong...)
}

// address is a broker's URL taken apart.
type address struct {
	url       *url.URL
	host      string // host and port
	encrypted bool
	websocket bool
}

// schemes are the ways to a broker.
var schemes = map[string]struct {
	port                 string
	encrypted, websocket bool
}{
	"mqtts": {"8883", true, false},
	"ssl":   {"8883", true, false},
	"mqtt":  {"1883", false, false},
	"wss":   {"443", true, true},
	"ws":    {"80", false, true},
}

// address takes the broker's URL apart. The error does not repeat a URL that
// may hold a password.
func (c Config) address() (address, error) {
	u, err := url.Parse(c.Broker)
	if err != nil {
		return address{}, errors.New("broker: not a URL: want one such as mqtts://broker.example:8883")
	}
	if u.User != nil {
		return address{}, errors.New("broker: user and password do not belong into the URL: use user and password_file")
	}
	scheme, ok := schemes[u.Scheme]
	if !ok || u.Hostname() == "" {
		return address{}, fmt.Errorf("broker %q: want mqtts://host:port or wss://host:port/path", c.Broker)
	}
	if !scheme.encrypted && !c.Insecure && !loopback(u.Hostname()) {
		return address{}, fmt.Errorf("broker %q: without encryption everybody on the way can send jobs: use mqtts or wss, or say insecure = true", c.Broker)
	}
	port := u.Port()
	orElse(&port, scheme.port)
	return address{u, net.JoinHostPort(u.Hostname(), port), scheme.encrypted, scheme.websocket}, nil
}

// loopback tells whether a host is this machine without asking a name server.
func loopback(host string) bool {
	return slices.Contains([]string{"localhost", "ip6-localhost"}, host) || net.ParseIP(host).IsLoopback()
}
