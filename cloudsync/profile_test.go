package cloudsync

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"duogateway/job"
	"duogateway/virtual/broker"
)

func TestRoutes(t *testing.T) {
	cases := []struct {
		profile, topic string
		about          subject
		values         values
	}{
		{Generic, "duogateway/v1/bench-7/jobs/request", aboutRequest, values{}},
		{Generic, "duogateway/v1/bench-7/jobs/x/cancel", aboutCancel, values{"job": "x"}},
		{Generic, "duogateway/v1/bench-7/state", aboutState, values{}},
		{Generic, "duogateway/v1/bench-8/jobs/request", "", nil},
		{Generic, "duogateway/v1/bench-7/jobs//cancel", "", nil},
		{Generic, "duogateway/v1/bench-7/jobs/x/cancel/y", "", nil},
		{Generic, "duogateway/v1/bench-7/jobs/request/", "", nil},
		{Generic, "", "", nil},
		{IoTHub, "$iothub/methods/POST/request/?$rid=1f", aboutRequest, values{"rid": "1f"}},
		{IoTHub, "$iothub/methods/POST/cancel/?$rid=2", aboutCancel, values{"rid": "2"}},
		{IoTHub, "$iothub/methods/POST/reboot/?$rid=3", aboutOther, values{"rid": "3", "method": "reboot"}},
		{IoTHub, "devices/bench-7/messages/devicebound/%24.mid=1&type=cancel&job=x", aboutCancel, values{"$.mid": "1", "type": "cancel", "job": "x"}},
		{IoTHub, "devices/bench-7/messages/devicebound/%24.to=%2Fdevices%2Fbench-7", aboutRequest, values{"$.to": "/devices/bench-7"}},
		{IoTHub, "$iothub/twin/res/204/?$rid=1&$version=3", aboutPatch, values{"status": "204", "?$rid": "1", "$version": "3"}},
	}
	for _, c := range cases {
		p, _ := profileNamed(c.profile)
		in, found, _ := p.route(station, c.topic)
		if in.about != c.about || !maps.Equal(found, c.values) {
			t.Errorf("%s: it is about %q with %v, want %q with %v", c.topic, in.about, found, c.about, c.values)
		}
	}
}

// Every profile has a place for everything there is to tell, and takes requests
// and cancels.
func TestProfilesAreComplete(t *testing.T) {
	for _, p := range profiles {
		for _, about := range []subject{aboutState, aboutInfo, aboutBay, aboutJob, aboutEvent, aboutAnswer} {
			if p.outlets[about].topic == "" {
				t.Errorf("profile %s: nothing is told about %s", p.name, about)
			}
		}
		for _, about := range []subject{aboutRequest, aboutCancel} {
			if !slices.ContainsFunc(p.inlets, func(in inlet) bool { return in.about == about }) {
				t.Errorf("profile %s: no %s is taken", p.name, about)
			}
		}
		if filters := p.filters(station); len(filters) > 5 {
			t.Errorf("profile %s: %d subscriptions", p.name, len(filters))
		}
	}
}

// hub is what of an IoT Hub can be seen from a device: it closes the connection
// over topics that it does not know, over retained messages it says nothing.
type hub struct {
	broker.Open
	mu      sync.Mutex
	user    string
	will    mochi.Will
	strange []string
}

func (h *hub) Provides(question byte) bool {
	return question == mochi.OnConnect || h.Open.Provides(question)
}

func (h *hub) OnConnect(cl *mochi.Client, _ packets.Packet) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.user, h.will = string(cl.Properties.Username), cl.Properties.Will
	return nil
}

func (h *hub) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	known := []string{"devices/bench-7/messages/devicebound/", "$iothub/methods/POST/", "$iothub/twin/res/"}
	if write {
		known = []string{"devices/bench-7/messages/events/", "$iothub/methods/res/", "$iothub/twin/PATCH/properties/reported/?$rid="}
	}
	ok := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(topic, k) })
	if !ok {
		h.mu.Lock()
		h.strange = append(h.strange, topic)
		h.mu.Unlock()
	}
	return ok
}

func TestIoTHub(t *testing.T) {
	h := &hub{}
	b := newBench(t, h)
	b.config.Profile = IoTHub
	b.store.bays = []job.BayState{{Bay: "A", Running: "x"}}
	b.store.write("an event")
	b.store.mu.Lock()
	b.store.add(job.Letter{Number: 2, Kind: job.JobLetter, Job: &job.Job{Request: job.Request{ID: "x"}}})
	b.store.add(job.Letter{Number: 3, Kind: job.AnswerLetter, Answer: &job.Answer{ID: "x"}})
	b.store.mu.Unlock()
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	send := func(topic, payload string) {
		t.Helper()
		if err := b.broker.Publish(topic, []byte(payload), false); err != nil {
			t.Fatal(err)
		}
	}
	send("$iothub/methods/POST/request/?$rid=7", "by method")
	send("$iothub/methods/POST/cancel/?$rid=8", `{"id":"x"}`)
	send("$iothub/methods/POST/reboot/?$rid=9", "")
	send("devices/bench-7/messages/devicebound/%24.mid=1", "by message")
	send("devices/bench-7/messages/devicebound/type=cancel&job=y", "")
	eventually(t, "four messages", func() bool { return len(b.desk.wishes()) == 4 })

	if got := b.desk.wishes(); got[0].payload != "by method" || got[1].cancel != "x" || got[2].payload != "by message" || got[3].cancel != "y" {
		t.Errorf("the desk was asked %+v", got)
	}
	const telemetry = "devices/bench-7/messages/events/$.ct=application%2Fjson&$.ce=utf-8&type="
	want := []string{
		telemetry + "state", telemetry + "event", telemetry + "job&job=x", telemetry + "answer",
		"$iothub/methods/res/202/?$rid=7", "$iothub/methods/res/202/?$rid=8", "$iothub/methods/res/404/?$rid=9",
	}
	eventually(t, "all that is to be said", func() bool {
		return !slices.ContainsFunc(want, func(topic string) bool { return len(b.on(topic)) == 0 })
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.strange) > 0 {
		t.Errorf("topics that a hub does not know: %v", h.strange)
	}
	if h.user != "127.0.0.1/bench-7/?api-version=2021-04-12" {
		t.Errorf("the user is %q", h.user)
	}
	if h.will.TopicName != telemetry+"state" || h.will.Qos != 1 || h.will.Retain || !strings.Contains(string(h.will.Payload), "offline") {
		t.Errorf("the will is %+v", h.will)
	}
	patches := b.on("$iothub/twin/PATCH/properties/reported/")
	if len(patches) != 4 || patches[2] != `{"bays":{"A":null}}` || !strings.HasPrefix(patches[3], `{"bays":{"A":{"bay":"A"`) || patches[0] != `{"info":null}` {
		t.Errorf("the twin is patched by %v", patches)
	}
	for _, patch := range patches {
		if !json.Valid([]byte(patch)) {
			t.Errorf("%s is no JSON", patch)
		}
	}
}

// on lists what was published on topics that begin so.
func (b *bench) on(prefix string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var payloads []string
	for _, m := range b.heard {
		if strings.HasPrefix(m.Topic, prefix) {
			payloads = append(payloads, string(m.Payload))
		}
	}
	return payloads
}

// No topic makes the routing stumble, and what is found in one is in it.
func FuzzRoute(f *testing.F) {
	f.Add("duogateway/v1/bench-7/jobs/x/cancel")
	f.Add("$iothub/methods/POST/request/?$rid=1f")
	f.Add("devices/bench-7/messages/devicebound/type=cancel&job=%2F")
	f.Fuzz(func(t *testing.T, topic string) {
		for _, p := range profiles {
			in, found, ok := p.route(station, topic)
			if !ok {
				continue
			}
			if id := found["job"]; p.name == Generic && in.about == aboutCancel && topic != "duogateway/v1/bench-7/jobs/"+id+"/cancel" {
				t.Errorf("%q cancels %q", topic, id)
			}
		}
	})
}
