// Package broker is an MQTT broker in the own process, for the demo and for
// tests. It keeps nothing, asks nobody who he is, and is meant for the loopback
// interface alone.
package broker

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Broker is a broker that runs.
type Broker struct {
	server   *mqtt.Server
	listener net.Listener
	readers  atomic.Int64
	stop     sync.Once
}

// Message is what was published.
type Message struct {
	Topic    string
	Payload  []byte
	Retained bool
}

// Open lets everybody in and allows everything. Hooks that want less embed it.
type Open struct{ mqtt.HookBase }

// Provides says which questions the hook answers.
func (*Open) Provides(question byte) bool {
	return question == mqtt.OnConnectAuthenticate || question == mqtt.OnACLCheck
}

// OnConnectAuthenticate lets a client in.
func (*Open) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

// OnACLCheck allows a topic.
func (*Open) OnACLCheck(*mqtt.Client, string, bool) bool { return true }

// Start starts a broker that listens; it takes the listener over. The hooks
// change how it behaves. Without any it lets everybody in and allows everything.
func Start(listener net.Listener, hooks ...mqtt.Hook) (*Broker, error) {
	b := &Broker{listener: listener, server: mqtt.New(&mqtt.Options{
		InlineClient: true,
		Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
	})}
	if len(hooks) == 0 {
		hooks = []mqtt.Hook{new(Open)}
	}
	for _, hook := range hooks {
		if err := b.server.AddHook(hook, nil); err != nil {
			return nil, fmt.Errorf("starting the broker: %w", err)
		}
	}
	if err := b.server.AddListener(listeners.NewNet("broker", listener)); err != nil {
		return nil, fmt.Errorf("starting the broker: %w", err)
	}
	if err := b.server.Serve(); err != nil {
		return nil, fmt.Errorf("starting the broker: %w", err)
	}
	return b, nil
}

// URL is where clients find the broker.
func (b *Broker) URL() string { return "mqtt://" + b.listener.Addr().String() }

// Publish publishes a message with QoS 1, as the broker itself.
func (b *Broker) Publish(topic string, payload []byte, retained bool) error {
	return b.server.Publish(topic, payload, retained, 1)
}

// Subscribe calls back for every message that the filter fits, the retained ones
// first. The callback must not block for long.
func (b *Broker) Subscribe(filter string, callback func(Message)) error {
	return b.server.Subscribe(filter, int(b.readers.Add(1)), func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) {
		callback(Message{Topic: pk.TopicName, Payload: pk.Payload, Retained: pk.FixedHeader.Retain})
	})
}

// Disconnect throws all clients out, without a word.
func (b *Broker) Disconnect() {
	for _, client := range b.server.Clients.GetAll() {
		if !client.Net.Inline {
			client.Stop(packets.ErrServerUnavailable)
		}
	}
}

// Close ends the broker.
func (b *Broker) Close() error {
	var err error
	b.stop.Do(func() { err = b.server.Close() })
	return err
}
