package cloudsync

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Finding is one thing that a check has looked at.
type Finding struct {
	What    string `json:"what"`
	OK      bool   `json:"ok"`
	Problem string `json:"problem,omitempty"`
	Hint    string `json:"hint,omitempty"` // what to do about it
}

// echoTime bounds how long a check waits for what it has published.
const echoTime = 2 * time.Second

// Check connects to the broker as a station would and tries every permission
// that the link needs. A broker of MQTT 3.1.1 confirms what it throws away, so
// each topic is written to and read back: stations and whoever watches them pass
// over a JSON object whose only member is probe. Nothing retained is touched.
//
// The check has a client id of its own, so that a link that runs is left alone;
// an IoT Hub allows none but the station's, and there the link is interrupted.
//
// Findings come in the order of trying; what could not be tried is not among
// them. The error says what is wrong with the configuration itself.
func Check(ctx context.Context, cfg Config) ([]Finding, error) {
	l, err := New(cfg, Parts{Log: slog.New(slog.DiscardHandler), Session: func() (uint64, error) { return 0, nil }})
	if err != nil {
		return nil, err
	}
	defer l.strays.Wait()
	k := &check{link: l, nonce: rand.Text(), heard: map[string]bool{}, news: make(chan struct{}, 1)}
	k.values = values{"station": l.Station, "job": "probe-" + strings.ToLower(k.nonce), "bay": "probe"}
	defer k.leave()
	err = k.reach(ctx)
	k.found("connect to "+cfg.Broker, err, hintConnect)
	if err == nil {
		k.run(ctx)
	}
	return k.findings, nil
}

// The hints.
const (
	hintConnect = "Check the address, the certificates and the credentials; the log of the broker says more. For mosquitto see docs/mqtt.md."
	hintACL     = "Let the station read and write below its own name. For mosquitto, in the ACL file: pattern readwrite duogateway/v1/%u/#"
	hintHub     = "Check that the device is enabled at the hub."
	hintWide    = "Let the station write below its own name alone. For mosquitto, in the ACL file: pattern readwrite duogateway/v1/%u/#"
)

// check is a check under way.
type check struct {
	link     *Link
	now      *connection // nil before the first one
	values   values
	nonce    string
	findings []Finding

	mu    sync.Mutex
	heard map[string]bool // topics on which the probe has come back
	news  chan struct{}
}

// reach sees that there is a connection: some brokers end it over what they do
// not allow.
func (k *check) reach(ctx context.Context) (err error) {
	if !k.lost() {
		return nil
	}
	k.leave()
	k.now, err = k.link.connect(ctx, func(o *mqtt.ClientOptions) {
		o.SetClientID(fill(k.link.profile.checkID, k.values))
		o.SetCleanSession(true)
		o.UnsetWill()
		o.WillRetained = false // which the library would say of a will that there is not
		o.SetDefaultPublishHandler(k.hear)
	})
	return err
}

// lost tells whether the connection is over.
func (k *check) lost() bool {
	if k.now == nil {
		return true
	}
	select {
	case <-k.now.ended:
		return true
	default:
		return false
	}
}

func (k *check) leave() {
	if k.now != nil {
		k.now.client.Disconnect(uint(goodbye.Milliseconds()))
		k.now.close()
	}
}

func (k *check) found(what string, problem error, hint string) {
	f := Finding{What: what, OK: problem == nil}
	if problem != nil {
		f.Problem, f.Hint = explain(problem).Error(), hint
	}
	k.findings = append(k.findings, f)
}

// hear notes that the probe has come back.
func (k *check) hear(_ mqtt.Client, m mqtt.Message) {
	m.Ack()
	var p probe
	if json.Unmarshal(m.Payload(), &p) != nil || p.Probe != k.nonce {
		return // what is retained there, or another check
	}
	k.mu.Lock()
	k.heard[m.Topic()] = true
	k.mu.Unlock()
	select {
	case k.news <- struct{}{}:
	default:
	}
}

// run tries everything.
func (k *check) run(ctx context.Context) {
	profile := k.link.profile
	for _, s := range profile.filters(k.link.Station) {
		k.found("subscribe to "+s.filter, k.listen(ctx, s), hintACL)
	}
	if !profile.echoes {
		topic := fill(profile.outlets[aboutEvent].topic, k.values)
		k.found("publish to "+topic, k.publish(ctx, topic), hintHub)
		return
	}
	for _, topic := range k.topics() {
		k.found("publish to and hear "+topic, k.try(ctx, topic), hintACL)
	}
	foreign := maps.Clone(k.values)
	foreign["station"] += "-nobody"
	topic := fill(profile.outlets[aboutEvent].topic, foreign)
	var problem error
	if k.try(ctx, topic) == nil {
		problem = fmt.Errorf("it may publish to %s, which is not its own", topic)
	}
	k.found("leave other stations alone", problem, hintWide)
}

// topics lists what the link writes to and reads.
func (k *check) topics() []string {
	set := map[string]bool{}
	for _, out := range k.link.profile.outlets {
		set[fill(out.topic, k.values)] = true
	}
	for _, in := range k.link.profile.inlets {
		set[fill(in.topic, k.values)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// try tries a topic, a second time if the connection ended: it may have ended
// over what was tried before.
func (k *check) try(ctx context.Context, topic string) error {
	err := k.attempt(ctx, topic)
	if err != nil && k.lost() {
		err = k.attempt(ctx, topic)
	}
	return err
}

// attempt publishes a probe, and waits until it comes back.
func (k *check) attempt(ctx context.Context, topic string) error {
	if err := k.listen(ctx, subscription{topic, 1}); err != nil {
		return err
	}
	if err := k.publish(ctx, topic); err != nil {
		return err
	}
	limit := time.NewTimer(echoTime)
	defer limit.Stop()
	for !k.back(topic) {
		select {
		case <-k.news:
		case <-k.now.ended:
			return k.now.reason
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("what was published did not come back within %v: publishing or reading is not allowed", echoTime)
		}
	}
	return nil
}

func (k *check) listen(ctx context.Context, s subscription) error {
	if err := k.reach(ctx); err != nil {
		return err
	}
	granted, err := k.now.subscribeTo(ctx, s)
	switch {
	case err != nil:
		k.now.fail(err)
		return err
	case !granted:
		return errors.New("the broker refuses the subscription")
	}
	return nil
}

func (k *check) publish(ctx context.Context, topic string) error {
	payload, err := json.Marshal(probe{k.nonce})
	if err != nil {
		return err
	}
	if _, err := k.now.deliver(ctx, []message{{topic: topic, payload: payload}}); err != nil {
		k.now.fail(err)
		return err
	}
	return nil
}

// back tells whether the probe has come back on a topic.
func (k *check) back(topic string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.heard[topic]
}
