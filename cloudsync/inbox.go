package cloudsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// inbox holds what has come in and was not looked at yet. The library's handler
// must not wait, so there is a limit. What comes behind it is left to the
// broker, which sends again what was not acknowledged, once the station has
// connected again: within a connection MQTT 3.1.1 does not.
type inbox struct {
	queue  chan mqtt.Message
	bytes  atomic.Int64 // of the payloads in the queue
	closed bool         // of use to the library's handler alone
}

// The limits of an inbox. How much brokers send ahead of an acknowledgement
// differs: mosquitto is to send 20 messages (mosquitto.conf(5),
// max_inflight_messages), but sends more when a session is taken up again.
const (
	inboxSize  = 1024
	inboxBytes = 4 << 20
)

func newInbox() *inbox { return &inbox{queue: make(chan mqtt.Message, inboxSize)} }

var errTooMany = errors.New("more messages at once than the station takes: the broker is to send the rest again")

// receive is the library's handler. It does not wait.
func (c *connection) receive(_ mqtt.Client, m mqtt.Message) {
	if c.inbox.closed {
		return
	}
	if c.inbox.bytes.Add(int64(len(m.Payload()))) <= inboxBytes {
		select {
		case c.inbox.queue <- m:
			return
		default:
		}
	}
	close(c.inbox.queue)
	c.inbox.closed = true
}

// takeIn looks at what comes in until the connection or ctx ends. Messages are
// acknowledged in the order in which they came, so the first one that cannot be
// stored is the last one that is looked at: see halt.
func (c *connection) takeIn(ctx context.Context) {
	for {
		select {
		case m, ok := <-c.inbox.queue:
			if !ok {
				c.halt <- errTooMany
				return
			}
			if err := c.take(ctx, m); err != nil {
				c.halt <- err
				return
			}
			m.Ack()
			c.inbox.bytes.Add(-int64(len(m.Payload())))
		case <-c.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

// take hands a message to whom it is for. With an error it is not acknowledged.
func (c *connection) take(ctx context.Context, m mqtt.Message) error {
	in, found, ok := c.profile.route(c.Station, m.Topic())
	if !ok {
		c.Log.Warn("a message on an unknown topic is passed over", "topic", m.Topic())
		return nil
	}
	payload, about := m.Payload(), Meta{Topic: m.Topic(), Retained: m.Retained(), Duplicate: m.Duplicate()}
	if len(payload) > c.MaxPayload {
		payload, about.TooLong = payload[:c.MaxPayload], true
	}
	switch in.about {
	case aboutRequest, aboutCancel:
		return c.ask(ctx, in, found, payload, about)
	case aboutState:
		c.meet(payload)
	case aboutPatch:
		if status, _ := strconv.Atoi(found["status"]); status >= 300 {
			c.Log.Error("the broker refuses what the station reports", "status", found["status"])
		}
	default:
		c.reply(ctx, in, found, 404)
	}
	return nil
}

// ask brings a request or a cancel to the desk.
func (c *connection) ask(ctx context.Context, in inlet, found values, payload []byte, about Meta) error {
	if isProbe(payload) {
		return nil
	}
	c.status.received()
	var err error
	if in.about == aboutCancel {
		err = c.Desk.Cancel(ctx, cancelID(found, payload), payload, about)
	} else {
		err = c.Desk.Request(ctx, payload, about)
	}
	if err != nil {
		c.reply(ctx, in, found, 503)
		return fmt.Errorf("a message on %s could not be stored: %w", about.Topic, err)
	}
	c.reply(ctx, in, found, 202)
	return nil
}

// cancelID is the id of the job to cancel: from the topic, from a property, or
// from the payload.
func cancelID(found values, payload []byte) string {
	if id, ok := found["job"]; ok {
		return id
	}
	var asked struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(payload, &asked) // the desk refuses an empty id
	return asked.ID
}

// reply tells a broker that waits for it what became of a message. The answer
// itself is a letter.
func (c *connection) reply(ctx context.Context, in inlet, found values, status int) {
	if in.reply == "" {
		return
	}
	with := c.with("status", strconv.Itoa(status))
	with["rid"] = found["rid"]
	_, err := c.issue(ctx, func() mqtt.Token { return c.client.Publish(fill(in.reply, with), 0, false, "{}") })
	if err != nil {
		c.Log.Warn("the broker waits for a reply in vain", "error", err)
	}
}
