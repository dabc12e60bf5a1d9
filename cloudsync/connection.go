package cloudsync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"duogateway/job"
)

// connection is one connection to the broker. It has an MQTT client of its own,
// so that nothing that an earlier connection left behind can pass for the
// delivery of what this one sends.
type connection struct {
	*Link
	client  mqtt.Client
	session uint64
	values  values // of the profile's templates

	ending sync.Once
	ended  chan struct{} // closed at the end of the connection
	reason error         // of the end; to be read behind ended

	opening sync.Mutex
	line    net.Conn // once it is open

	inbox *inbox
	halt  chan error        // gets the reason when nothing more is taken in on this connection
	told  map[string]string // what holds now, as each topic was told it
	rids  atomic.Uint64     // request ids given out

	refused []subscription // those that the broker has not granted
	echoed  bool           // the broker has said that this connection is online
	again   chan struct{}  // gets a value when the state is to be said again
}

const (
	// goodbye bounds how long the station takes to leave.
	goodbye = 2 * time.Second

	// release bounds how long it waits for the library to clean up, which goes
	// on behind it.
	release = 200 * time.Millisecond
)

// strayLimit is how long the library may wait for its turn to write. On a
// connection that is gone it waits in vain.
const strayLimit = 10 * time.Second

// connect connects with the credentials as they are now. What adapt does to the
// options of the client holds.
func (l *Link) connect(ctx context.Context, adapt func(*mqtt.ClientOptions)) (*connection, error) {
	to, err := l.address()
	if err != nil {
		return nil, err
	}
	with, err := l.readCredentials(to)
	if err != nil {
		return nil, err
	}
	session, err := l.Session()
	if err != nil {
		return nil, fmt.Errorf("numbering the connection: %w", err)
	}
	c := &connection{
		Link:    l,
		session: session,
		values:  values{"station": l.Station, "host": to.url.Hostname()},
		ended:   make(chan struct{}),
		inbox:   newInbox(),
		halt:    make(chan error, 1),
		told:    map[string]string{},
		again:   make(chan struct{}, 1),
	}
	options, err := c.options(to, with)
	if err != nil {
		return nil, err
	}
	adapt(options)
	options.SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
		return c.open(ctx, to, with.tls)
	})
	c.client = mqtt.NewClient(options)
	token := c.client.Connect().(*mqtt.ConnectToken)
	if err := c.await(ctx, token, l.ConnectTimeout+time.Second); err != nil {
		c.fail(err)
		c.close()
		return nil, err
	}
	l.status.greeted(token.SessionPresent())
	return c, nil
}

// options are those of a client that lives for one connection.
func (c *connection) options(to address, with credentials) (*mqtt.ClientOptions, error) {
	will, err := c.profile.message(aboutState, c.values, c.state(job.Offline))
	if err != nil {
		return nil, err
	}
	user := c.User
	if c.profile.user != "" {
		user = fill(c.profile.user, c.values)
	}
	o := mqtt.NewClientOptions()
	o.AddBroker(to.url.String())
	o.SetClientID(c.Station)
	o.SetUsername(user)
	o.SetPassword(with.password.Reveal())
	o.SetProtocolVersion(4)
	o.SetCleanSession(false) // the broker keeps requests for a station that is away
	o.SetAutoReconnect(false)
	o.SetConnectRetry(false)
	o.SetAutoAckDisabled(true)
	o.SetKeepAlive(c.KeepAlive)
	o.SetPingTimeout(c.AckTimeout)
	o.SetConnectTimeout(c.ConnectTimeout)
	o.SetWriteTimeout(min(c.AckTimeout, strayLimit))
	o.SetBinaryWill(will.topic, will.payload, 1, will.retained)
	o.SetDefaultPublishHandler(c.receive)
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) { c.fail(err) })
	return o, nil
}

// open opens the way to the broker, with a guard before it.
func (c *connection) open(ctx context.Context, to address, with *tls.Config) (net.Conn, error) {
	line, err := dial(ctx, to, with, c.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	c.opening.Lock()
	defer c.opening.Unlock()
	select {
	case <-c.ended: // nobody waits for it any more
		return nil, errors.Join(c.reason, line.Close())
	default:
	}
	c.line = newGuard(line, c.MaxPayload, c.AckTimeout)
	return c.line, nil
}

// fail ends the connection. The first reason counts.
func (c *connection) fail(reason error) {
	c.ending.Do(func() {
		c.reason = reason
		close(c.ended)
	})
}

// close lets go of the connection. The broker publishes the will, unless the
// station has left before.
func (c *connection) close() {
	c.fail(errors.New("closed"))
	c.opening.Lock()
	if c.line != nil {
		_ = c.line.Close()
	}
	c.opening.Unlock()
	c.client.Disconnect(uint(release.Milliseconds()))
}

// leave says good-bye: the station is offline, and the will does not hold.
func (c *connection) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	if err := c.sayState(ctx, job.Offline); err != nil {
		c.Log.Warn("the broker was not told that the station stops", "error", err)
	}
	c.client.Disconnect(uint(goodbye.Milliseconds()))
}

// issue has the library send something. The library may not notice for a while
// that there is no connection any more, so it is not waited for longer than
// there is one.
func (c *connection) issue(ctx context.Context, send func() mqtt.Token) (mqtt.Token, error) {
	sent := make(chan mqtt.Token, 1)
	c.strays.Go(func() { sent <- send() })
	select {
	case token := <-sent:
		return token, nil
	case <-c.ended:
		return nil, c.reason
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// await waits until the broker has acknowledged what the token stands for.
func (c *connection) await(ctx context.Context, token mqtt.Token, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-c.ended:
		return c.reason
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("the broker has not answered for %v", limit)
	}
}
