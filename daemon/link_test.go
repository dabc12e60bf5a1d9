package daemon_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"duogateway/daemon"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/virtual/broker"
)

// operations is a broker with somebody at it who reads everything.
type operations struct {
	*broker.Broker
	mu    sync.Mutex
	heard []broker.Message
}

func newOperations(t *testing.T) *operations {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &operations{}
	if o.Broker, err = broker.Start(listener); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	err = o.Subscribe("duogateway/v1/station/#", func(m broker.Message) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.heard = append(o.heard, m)
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// await waits for a message whose topic ends so and that says so.
func (o *operations) await(t *testing.T, topic string, says ...string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if o.hasHeard(topic, says) {
			return
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.heard {
		t.Logf("%s %s", m.Topic, m.Payload)
	}
	t.Fatalf("nothing came on %s that says %q", topic, says)
}

func (o *operations) hasHeard(topic string, says []string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range o.heard {
		found := strings.HasSuffix(m.Topic, topic)
		for _, text := range says {
			found = found && strings.Contains(string(m.Payload), text)
		}
		if found {
			return true
		}
	}
	return false
}

// request is the text of one that holds for an hour.
func request(id string, kind job.Kind, bay string) string {
	return fmt.Sprintf(`{"id":%q,"kind":%q,"bay":%q,"not_after":%q}`, id, kind, bay, time.Now().Add(time.Hour).Format(time.RFC3339))
}

// A request from afar becomes a job; what happens to it is told, and what the
// station and its bays are. It says good-bye at the end.
func TestLink(t *testing.T) {
	o := newOperations(t)
	b := newBenchWith(t, func(c *daemon.Config) { c.MQTT.Broker, c.MQTT.Unsigned = o.URL(), []string{"diagnose"} })
	stop := b.work()
	defer func() {
		stop()
		o.await(t, "/state", `"offline"`)
	}()
	o.await(t, "/state", `"online"`)
	o.await(t, "/info", `"station":"station"`, `{"kind":"diagnose","remote":true,"unsigned":true}`, `{"kind":"repair","remote":false,"unsigned":false}`)
	o.await(t, "/bays/bay-2", `"occupied":false`)
	b.bus.plug("1-1.1")
	o.await(t, "/bays/bay-1", `"occupied":true`, `"device":"Duo"`)

	if err := o.Publish("duogateway/v1/station/jobs/request", []byte(request("j1", job.Diagnose, "bay-1")), false); err != nil {
		t.Fatal(err)
	}
	o.await(t, "/events", `"job-admitted"`, `"j1"`)
	o.await(t, "/jobs/j1", `"state":"failed"`, `"gesture-failed"`, `"source":"mqtt"`)
	o.await(t, "/bays/bay-1", `"last":{"id":"j1"`, `"fault":"gesture-failed"`)

	var health daemon.Health
	if err := json.Unmarshal(b.ask("GET", "/v1/health", "").Body.Bytes(), &health); err != nil {
		t.Fatal(err)
	}
	if !health.ClockTrusted || health.Link == nil || !health.Link.Connected || health.Link.Received != 1 || health.Link.Broker != o.URL() || health.Link.Outbox.Full {
		t.Errorf("the health is %+v", health.Link)
	}
}

// Another station of the same name needs a person: the lights of the station and
// its health say so.
func TestTwin(t *testing.T) {
	o := newOperations(t)
	b := newBenchWith(t, func(c *daemon.Config) { c.MQTT.Broker = o.URL() })
	l := &lastLights{}
	b.Parts.Lights = l
	defer b.work()()
	o.await(t, "/state", `"online"`)
	// The station notes what it heard of itself, before it hears of the other.
	deadline := time.Now().Add(20 * time.Second)
	for l.last("") != gpio.PatternAttention && time.Now().Before(deadline) {
		if err := o.Publish("duogateway/v1/station/state", []byte(`{"state":"online","session":1,"boot_id":"another"}`), false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if l.last("") != gpio.PatternAttention || l.last("bay-1") != gpio.PatternIdle {
		t.Errorf("the lights show %q, and those of a bay %q", l.last(""), l.last("bay-1"))
	}
	if w := b.ask("GET", "/v1/health", ""); !strings.Contains(w.Body.String(), `"twin":{"boot_id":"another"`) {
		t.Errorf("the health is %s", w.Body)
	}
}

// lastLights remember what they show.
type lastLights struct {
	mu  sync.Mutex
	now map[string]gpio.Pattern
}

func (l *lastLights) Show(bay string, p gpio.Pattern) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		l.now = map[string]gpio.Pattern{}
	}
	l.now[bay] = p
}

func (l *lastLights) last(bay string) gpio.Pattern {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now[bay]
}
