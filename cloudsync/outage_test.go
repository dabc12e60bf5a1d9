package cloudsync

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"duogateway/job"
	"duogateway/virtual/broker"
)

// inOrder checks that each event is there, and that none comes for the first
// time before an earlier one has.
func inOrder(t *testing.T, events []string, count int) {
	t.Helper()
	last := 0
	for _, text := range events {
		var number int
		if _, err := fmt.Sscanf(text, `{"number":%d,`, &number); err != nil {
			t.Fatalf("event %q: %v", text, err)
		}
		if number > last+1 {
			t.Fatalf("event %d follows %d", number, last)
		}
		last = max(last, number)
	}
	if last != count {
		t.Errorf("the last event is %d, want %d", last, count)
	}
}

// The way to the broker breaks at random bytes; everything arrives all the same,
// in order. What is asked reaches the desk, if it is asked again: the broker in
// this process loses messages when a session goes over to a new connection. The
// same is tried with a real one in test/mqtt, where nothing is asked twice.
func TestCutsLoseNothing(t *testing.T) {
	const events, requests = 300, 60
	b := newBench(t)
	saw, err := broker.NewSaw(strings.TrimPrefix(b.broker.URL(), "mqtt://"), 2500, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(saw.Close)
	b.config.Broker = saw.URL()
	b.start()
	b.online()
	for i := range events {
		b.store.write(fmt.Sprint("event ", i))
		if i%(events/requests) == 0 {
			b.publish("jobs/request", fmt.Sprint("request ", i), false)
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	saw.Rest()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	for i := 0; i < events; i += events / requests {
		b.publish("jobs/request", fmt.Sprint("request ", i), false)
	}
	eventually(t, "all requests are at the desk", func() bool { return b.desk.distinct() == requests })
	inOrder(t, b.said("events"), events)
	if saw.Cuts() < 10 {
		t.Errorf("only %d cuts: the test has shown little", saw.Cuts())
	}
	t.Logf("%d cuts, %d connections, %d events arrived for %d", saw.Cuts(), b.link.Status().Connects, len(b.said("events")), events)
}

// A day without the broker: 10,000 events wait, and are drained in order, a
// page at a time.
func TestDayOffline(t *testing.T) {
	b := newBench(t)
	for i := range 10_000 {
		b.store.write(fmt.Sprint("event ", i))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	b.stop()
	eventually(t, "the good-bye", func() bool { return len(b.states()) == 2 }) // the broker acknowledges first
	inOrder(t, b.said("events"), 10_000)
	if len(b.store.deleted) != 10_000 {
		t.Errorf("%d letters were deleted", len(b.store.deleted))
	}
	b.mu.Lock()
	b.heard = nil // what the test itself holds
	b.mu.Unlock()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("%d bytes more are in use than before", grown)
	}
	if b.store.asked > page {
		t.Errorf("%d letters at once were asked for", b.store.asked)
	}
}

// withhold is a broker that does not acknowledge the first messages on a topic.
type withhold struct {
	broker.Open
	mu    sync.Mutex
	part  string
	count int
}

func (w *withhold) Provides(question byte) bool {
	return question == mochi.OnPublish || w.Open.Provides(question)
}

func (w *withhold) OnPublish(_ *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(pk.TopicName, w.part) && w.count > 0 {
		w.count--
		return pk, packets.ErrRejectPacket
	}
	return pk, nil
}

// A letter is deleted when the broker has acknowledged that very send: not
// before, and not because the connection was made anew.
func TestWithheldAcknowledgement(t *testing.T) {
	b := newBench(t, &withhold{part: "/events", count: 3})
	b.config.AckTimeout = 100 * time.Millisecond
	for i := range 40 {
		b.store.write(fmt.Sprint("event ", i))
	}
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	seen := map[string]bool{}
	for _, text := range b.said("events") {
		seen[text] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d events have arrived, want 40", len(seen))
	}
	if s := b.link.Status(); s.Connects < 2 || !strings.Contains(s.LastError, "has not answered") {
		t.Errorf("the status is %+v", s)
	}
}

// The broker throws the station out again and again: what was not stored is
// asked again.
func TestDeskThatCannotStore(t *testing.T) {
	b := newBench(t)
	b.desk.failing = 3
	b.start()
	b.online()
	b.publish("jobs/request", "one", false)
	b.publish("jobs/request", "two", false)
	eventually(t, "both are stored", func() bool { return b.desk.distinct() == 2 })
	for _, w := range b.desk.wishes() {
		if !w.about.Duplicate {
			t.Errorf("the broker did not say that it sends %q again", w.payload)
		}
	}
	if s := b.link.Status(); s.Connects < 2 || !strings.Contains(s.LastError, "the disk is gone") {
		t.Errorf("the status is %+v", s)
	}
}

// More comes at once than the station holds: the broker keeps the rest.
func TestMoreRequestsThanFit(t *testing.T) {
	for what, c := range map[string]struct{ many, size int }{
		"many": {inboxSize * 3 / 2, 0}, "large": {inboxBytes / DefaultMaxPayload * 3 / 2, DefaultMaxPayload - 20},
	} {
		b := newBench(t)
		b.desk.slowness = make(chan struct{}, c.many*10)
		b.start()
		b.online()
		for i := range c.many {
			b.publish("jobs/request", fmt.Sprint(i, strings.Repeat(" ", c.size)), false)
		}
		time.Sleep(100 * time.Millisecond)
		for range c.many * 10 {
			b.desk.slowness <- struct{}{}
		}
		eventually(t, what+" requests are at the desk", func() bool { return b.desk.distinct() == c.many })
		if s := b.link.Status(); !strings.Contains(s.LastError, errTooMany.Error()) {
			t.Errorf("%s: the status is %+v", what, s)
		}
	}
}

// A store that cannot be read does not make the station ask at full speed.
func TestOutboxThatCannotBeRead(t *testing.T) {
	b := newBench(t)
	b.config.MinRetry, b.config.MaxRetry = 100*time.Millisecond, 300*time.Millisecond
	b.store.failing = true
	b.start()
	time.Sleep(500 * time.Millisecond)
	if s := b.link.Status(); s.Connects < 1 || s.Connects > 5 || !strings.Contains(s.LastError, "the disk is gone") {
		t.Errorf("the status is %+v", s)
	}
}

// closed refuses subscriptions.
type closed struct{ broker.Open }

func (*closed) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	return write || !strings.Contains(topic, "request")
}

// A subscription that the broker refuses shows, and what there is to tell still
// arrives.
func TestRefusedSubscription(t *testing.T) {
	b := newBench(t, &closed{})
	b.store.write("an event")
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	if s := b.link.Status(); !s.Connected || len(s.Missing) != 1 || !strings.HasSuffix(s.Missing[0], "/jobs/request") {
		t.Errorf("the status is %+v", s)
	}
}

// What holds now is told when it changes, and all of it to a broker that has
// forgotten everything.
func TestSnapshotIsTold(t *testing.T) {
	b := newBench(t)
	b.store.bays = []job.BayState{{Bay: "A"}, {Bay: "B"}}
	b.start()
	b.online()
	eventually(t, "both bays", func() bool { return len(b.said("bays/A")) == 1 && len(b.said("bays/B")) == 1 })
	b.store.setBays(job.BayState{Bay: "A", Occupied: true}, job.BayState{Bay: "B", At: job.Stamp{At: time.Now()}})
	eventually(t, "the news of bay A", func() bool { return len(b.said("bays/A")) == 2 })
	if got := b.said("bays/A")[1]; !strings.Contains(got, `"occupied":true`) {
		t.Errorf("bay A is told as %s", got)
	}
	b.broker.Disconnect()
	eventually(t, "all of it again", func() bool { return len(b.said("bays/A")) == 3 && len(b.said("bays/B")) == 2 })
	if n := len(b.said("info")); n != 2 {
		t.Errorf("the info was told %d times, want 2", n)
	}
}

// A station that is cut off does not say good-bye; the broker does.
func TestWill(t *testing.T) {
	b := newBench(t)
	b.start()
	var spoken []job.StationState
	eventually(t, "the will between two connections", func() bool {
		b.online()
		b.broker.Disconnect()
		time.Sleep(20 * time.Millisecond)
		spoken = b.states() // the broker in this process forgets a will now and then
		return slices.ContainsFunc(spoken, func(s job.StationState) bool { return s.State == job.Offline })
	})
	i := slices.IndexFunc(spoken, func(s job.StationState) bool { return s.State == job.Offline })
	if i == 0 || spoken[i-1].State != job.Online || spoken[i].Session > spoken[i-1].Session || spoken[i].Boot != "boot-a" || spoken[i].Since != nil {
		t.Errorf("the station and the broker have said %+v", spoken)
	}
	eventually(t, "the return", func() bool {
		states := b.states()
		return states[len(states)-1].State == job.Online && states[len(states)-1].Session > spoken[i].Session
	})
}

// An end during connecting, and in the midst of everything, leaves nothing
// behind; goleak looks at that.
func TestEndAtAnyMoment(t *testing.T) {
	b := newBench(t)
	for i := range 1000 {
		b.store.write(fmt.Sprint("event ", i))
	}
	for wait := range 20 {
		b.start()
		time.Sleep(time.Duration(wait) * 500 * time.Microsecond)
		b.stop()
	}
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	inOrder(t, b.said("events"), 1000)
}

// A broker that is not there is looked for with growing waits.
func TestRetriesGrow(t *testing.T) {
	l, err := New(Config{Station: station, Broker: "mqtts://broker.example"}, Parts{})
	if err != nil {
		t.Fatal(err)
	}
	waits := l.retries()
	var all []time.Duration
	for range 200 {
		all = append(all, waits.NextBackOff())
	}
	for i, wait := range all {
		if wait < time.Second || wait > time.Minute {
			t.Fatalf("wait %d is %v", i, wait)
		}
	}
	if all[0] > 3*time.Second || all[100] < 20*time.Second {
		t.Errorf("the waits are %v and later %v", all[0], all[100])
	}
}
