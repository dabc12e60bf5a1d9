package cloudsync

import (
	"fmt"
	"strings"
	"testing"

	"duogateway/job"
)

// A station that comes and goes says so, and what it has to tell arrives in
// order.
func TestLinkTellsWhatWaits(t *testing.T) {
	b := newBench(t)
	for i := range 100 {
		b.store.write(fmt.Sprint("event ", i))
	}
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	b.store.write("one more")
	eventually(t, "the outbox is empty again", func() bool { return b.store.waiting() == 0 })
	b.stop()
	eventually(t, "the good-bye", func() bool { return len(b.states()) == 2 }) // the broker acknowledges first

	events := b.said("events")
	if len(events) != 101 {
		t.Fatalf("%d events arrived, want 101", len(events))
	}
	for i, text := range events {
		if want := fmt.Sprintf(`{"number":%d,`, i+1); !strings.HasPrefix(text, want) {
			t.Fatalf("event %d is %s", i, text)
		}
	}
	states := b.states()
	if states[0].State != job.Online || states[1].State != job.Offline {
		t.Errorf("the station has said %+v", states)
	}
	if s := b.link.Status(); s.Connected || s.Sent != 101 || s.Connects != 1 {
		t.Errorf("the status is %+v", s)
	}
}

// What comes in reaches the desk with what the broker says about it.
func TestRequestsReachTheDesk(t *testing.T) {
	b := newBench(t)
	b.publish("jobs/request", "kept", true)
	b.start()
	b.online()
	b.publish("jobs/request", "one", false)
	b.publish("jobs/the-job/cancel", "two", false)
	b.publish("jobs/request", strings.Repeat("x", DefaultMaxPayload+1), false)
	b.publish("jobs/request", strings.Repeat("y", 10*DefaultMaxPayload), false)
	b.publish("jobs/request", `{"probe":"a check"}`, false)
	b.publish("jobs/request", "last", false)
	eventually(t, "six messages", func() bool { return len(b.desk.wishes()) == 6 })

	got := b.desk.wishes()
	request := "duogateway/v1/" + station + "/jobs/request"
	want := []wish{
		{payload: "kept", about: Meta{Topic: request, Retained: true}},
		{payload: "one", about: Meta{Topic: request}},
		{cancel: "the-job", payload: "two", about: Meta{Topic: "duogateway/v1/" + station + "/jobs/the-job/cancel"}},
		{payload: strings.Repeat("x", DefaultMaxPayload), about: Meta{Topic: request, TooLong: true}},
		{payload: strings.Repeat("y", DefaultMaxPayload), about: Meta{Topic: request, TooLong: true}},
		{payload: "last", about: Meta{Topic: request}},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("message %d: %.80q %+v, want %.80q %+v", i, got[i].payload, got[i].about, want[i].payload, want[i].about)
		}
	}
}
