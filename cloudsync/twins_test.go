package cloudsync

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

func online(boot string) job.StationState {
	return job.StationState{State: job.Online, Session: 1, Boot: boot}
}

func offline(boot string) job.StationState {
	return job.StationState{State: job.Offline, Session: 1, Boot: boot}
}

func TestTwinsAreToldFromThePast(t *testing.T) {
	cases := []struct {
		what string
		said []job.StationState
		twin bool
	}{
		{"the first start of all", []job.StationState{online("me")}, false},
		{"a start after a clean stop", []job.StationState{offline("before"), online("me")}, false},
		{"a start after a power cut", []job.StationState{online("before"), online("me")}, false},
		{"a power cut that the broker notices late", []job.StationState{online("before"), online("me"), offline("before")}, false},
		{"a connection of this machine that was cut", []job.StationState{online("me"), offline("me"), online("me")}, false},
		{"another one comes", []job.StationState{online("me"), online("other")}, true},
		{"another one has come and gone", []job.StationState{online("me"), offline("other")}, true},
		{"another one was there before, and comes back", []job.StationState{online("other"), online("me"), online("other")}, true},
		{"another one was there before, and was back for a while", []job.StationState{online("other"), online("me"), {State: job.Offline, Session: 2, Boot: "other"}}, true},
	}
	for _, c := range cases {
		twins := twins{boot: "me"}
		found := false
		for _, s := range c.said {
			found = twins.meet(s) || found
		}
		if found != c.twin || (twins.present() != nil) != c.twin {
			t.Errorf("%s: a twin: %v, want %v", c.what, found, c.twin)
		}
	}
}

func TestShortConnectionsAreAHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Link{Config: Config{MaxRetry: time.Minute}}
		for range suspicious - 1 {
			l.twins.ended(time.Second)
		}
		l.twins.ended(time.Minute)
		if l.twins.present() != nil || l.calm(time.Second) != time.Second {
			t.Error("connections that end now and then are a twin")
		}
		for range suspicious {
			l.twins.ended(time.Second)
		}
		if twin := l.twins.present(); twin == nil || !strings.Contains(twin.String(), "perhaps") {
			t.Errorf("connections that end at once: %v", twin)
		}
		if wait := l.calm(time.Second); wait < 30*time.Second || wait > time.Minute {
			t.Errorf("with a twin about, the wait is %v", wait)
		}
		time.Sleep(forgetTwin + time.Second)
		if l.twins.present() != nil {
			t.Error("a twin that was not seen any more is still there")
		}
	})
}

// Two stations of one name at one broker: both notice, and neither fights.
func TestTwoStationsOfOneName(t *testing.T) {
	b := newBench(t)
	b.config.MinRetry, b.config.MaxRetry = 20*time.Millisecond, 10*time.Second
	b.start()
	b.online()
	parts := b.parts()
	parts.Clock.Boot = "boot-b"
	other, err := New(b.config, parts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); other.Run(ctx) }()
	defer func() { cancel(); <-done }()

	eventually(t, "the first one notices", func() bool { twin := b.link.Status().Twin; return twin != nil && twin.Boot == "boot-b" })
	eventually(t, "the second one notices", func() bool { twin := other.Status().Twin; return twin != nil && twin.Boot == "boot-a" })
	before := b.link.Status().Connects + other.Status().Connects
	time.Sleep(time.Second)
	if after := b.link.Status().Connects + other.Status().Connects; after-before > 2 {
		t.Errorf("%d connections in a second: they fight", after-before)
	}
	if !strings.Contains(b.log.String(), "another station uses this station's name") {
		t.Error("the log says nothing")
	}
	eventually(t, "it is told", func() bool { return strings.Contains(fmt.Sprint(b.said("state")), "another station") })
}

// The broker says the will of a connection that is long over, after the station
// is back: the station says that it is there.
func TestLateWill(t *testing.T) {
	b := newBench(t)
	b.start()
	b.online()
	eventually(t, "the station reads its own state", func() bool {
		b.link.twins.mu.Lock()
		defer b.link.twins.mu.Unlock()
		return b.link.twins.known
	})
	b.publish("state", `{"state":"offline","session":0,"boot_id":"boot-a"}`, true)
	eventually(t, "online is said again", func() bool {
		states := b.states()
		return len(states) == 3 && states[2].State == job.Online
	})
	if b.link.Status().Twin != nil {
		t.Error("the station takes itself for a twin")
	}
}
