package cloudsync

import (
	"context"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"

	"duogateway/virtual/broker"
)

// confined lets a client write below a station's name, but to one topic.
type confined struct {
	broker.Open
	not string
}

func (c *confined) OnACLCheck(_ *mochi.Client, topic string, write bool) bool {
	own := strings.HasPrefix(topic, "duogateway/v1/"+station+"/")
	return !write || own && !strings.HasSuffix(topic, c.not)
}

// missing lists what a check found wanting.
func missing(findings []Finding) (list []string) {
	for _, f := range findings {
		if !f.OK {
			list = append(list, f.What)
		}
	}
	return list
}

func TestCheckFindsWhatIsMissing(t *testing.T) {
	cases := []struct {
		hook mochi.Hook
		want string // of what is missing; empty for nothing
	}{
		{&confined{not: "nothing"}, ""},
		{&confined{not: "/events"}, "publish to and hear duogateway/v1/bench-7/events"},
		{&broker.Open{}, "leave other stations alone"},
	}
	for _, c := range cases {
		b := newBench(t, c.hook)
		b.config.AckTimeout = 5 * time.Second // a slow machine is no missing permission
		b.start()
		b.online()
		findings, err := Check(context.Background(), b.config)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(missing(findings), ", "); got != c.want {
			t.Errorf("missing: %q, want %q", got, c.want)
		}
		if len(findings) < 10 {
			t.Errorf("only %d findings: %+v", len(findings), findings)
		}
		if s := b.link.Status(); s.Connects != 1 || s.Twin != nil {
			t.Errorf("the check has disturbed the link: %+v", s)
		}
		if asked := b.desk.wishes(); len(asked) != 0 {
			t.Errorf("the desk was asked %+v", asked)
		}
		b.stop()
	}
}

func TestCheckWithoutABroker(t *testing.T) {
	findings, err := Check(context.Background(), quick("mqtt://127.0.0.1:1"))
	if err != nil || len(findings) != 1 || findings[0].OK || findings[0].Hint == "" {
		t.Errorf("%+v, %v", findings, err)
	}
	if _, err := Check(context.Background(), quick("nonsense")); err == nil {
		t.Error("nonsense is taken for a broker")
	}
}

func TestCheckOfAnIoTHub(t *testing.T) {
	h := &hub{}
	b := newBench(t, h)
	b.config.Profile = IoTHub
	findings, err := Check(context.Background(), b.config)
	if err != nil || len(missing(findings)) > 0 || len(h.strange) > 0 {
		t.Errorf("%+v, %v, strange topics %v", findings, err, h.strange)
	}
}
