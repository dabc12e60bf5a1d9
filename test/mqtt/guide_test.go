package mqtt

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"duogateway/cloudsync"
	"duogateway/job"
)

const patience = 30 * time.Second

// guide is the page of the manual that says how to set up a broker.
const guide = "../../docs/mqtt.md"

// block is the text of a fenced block of the guide.
func block(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(found) != 1 {
		t.Fatalf("%s has %d blocks of %s, want 1", guide, len(found), language)
	}
	return found[0][1]
}

// site is a broker that is set up as the guide says, with certificates.
type site struct {
	*testing.T
	folder string
	ca     *authority
	port   int
	broker *mosquitto
}

// replaceOnce fails the test when the text is not there: then the guide says
// something else than the test tries.
func replaceOnce(t *testing.T, text, old, fresh string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%s does not say %q once", guide, old)
	}
	return strings.Replace(text, old, fresh, 1)
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, folder: t.TempDir(), port: freePort(t)}
	s.ca = newAuthority(t, s.folder, "clients-ca")
	s.ca.server("broker")
	acl := filepath.Join(s.folder, "duogateway.acl")
	if err := os.WriteFile(acl, []byte(block(t, "acl")), 0o600); err != nil {
		t.Fatal(err)
	}
	config := block(t, "conf")
	config = replaceOnce(t, config, "listener 8883", fmt.Sprintf("listener %d 127.0.0.1", s.port))
	config = replaceOnce(t, config, "/etc/mosquitto/duogateway.acl", acl)
	config = strings.ReplaceAll(config, "/etc/mosquitto/certs", s.folder)
	s.broker = newMosquitto(t, s.folder, config, s.port)
	s.broker.start()
	return s
}

// config is that of a station whose certificate was issued already.
func (s *site) config(station string) cloudsync.Config {
	file := func(name string) string { return filepath.Join(s.folder, name) }
	return cloudsync.Config{
		Station: station, Broker: fmt.Sprintf("mqtts://127.0.0.1:%d", s.port),
		CA: file("clients-ca.pem"), Certificate: file(station + ".pem"), Key: file(station + ".key"),
		MinRetry: 10 * time.Millisecond, MaxRetry: 100 * time.Millisecond, ConnectTimeout: 5 * time.Second, AckTimeout: 5 * time.Second,
	}
}

// operations connects somebody with a certificate of that name.
func (s *site) operations(name string) paho.Client {
	s.Helper()
	s.ca.client(name)
	o := paho.NewClientOptions().AddBroker(fmt.Sprintf("ssl://127.0.0.1:%d", s.port))
	o.SetClientID(name + "-test").SetTLSConfig(s.ca.tls(name)).SetAutoReconnect(false)
	client := paho.NewClient(o)
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		s.Fatalf("connecting as %s: %v", name, token.Error())
	}
	s.Cleanup(func() { client.Disconnect(250) })
	return client
}

// ear collects what a client hears.
type ear struct {
	mu    sync.Mutex
	heard map[string]string
}

func (e *ear) listen(t *testing.T, client paho.Client, filter string) {
	t.Helper()
	e.heard = map[string]string{}
	token := client.Subscribe(filter, 1, func(_ paho.Client, m paho.Message) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.heard[m.Topic()] = string(m.Payload())
	})
	if !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("subscribing to %s: %v", filter, token.Error())
	}
}

func (e *ear) on(topic string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	text, ok := e.heard[topic]
	return text, ok
}

func publish(t *testing.T, client paho.Client, topic, payload string) {
	t.Helper()
	if token := client.Publish(topic, 1, false, payload); !token.WaitTimeout(patience) {
		t.Fatalf("publishing to %s: no answer", topic)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A broker that is set up as the guide says gives a station all that it needs.
func TestGuideGivesAStationAllItNeeds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ca.client("bench-7")
	findings, err := cloudsync.Check(context.Background(), s.config("bench-7"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if !f.OK {
			t.Errorf("%s: %s", f.What, f.Problem)
		}
	}
	if len(findings) < 12 {
		t.Errorf("only %d findings", len(findings))
	}
}

// A station cannot write in the name of another one, nor read what is said to
// it; operations can do their work, and not speak for a station.
func TestGuideKeepsStationsApart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ops, bad, nobody := s.operations("operations"), s.operations("bench-6"), s.operations("somebody")
	s.ca.client("bench-7")
	var all, spy ear
	all.listen(t, ops, "duogateway/v1/#")
	spy.listen(t, bad, "duogateway/v1/#")
	const victim = "duogateway/v1/bench-7"
	forbidden := map[paho.Client][]string{
		bad:    {victim + "/state", victim + "/info", victim + "/events", victim + "/answers", victim + "/bays/A", victim + "/jobs/x", victim + "/jobs/request", victim + "/jobs/x/cancel", "duogateway/v1/operations/x"},
		nobody: {victim + "/jobs/request", victim + "/state"},
		ops:    {victim + "/state", victim + "/events", victim + "/answers", victim + "/bays/A"},
	}
	for client, topics := range forbidden {
		for _, topic := range topics {
			publish(t, client, topic, "forged")
		}
	}
	publish(t, bad, "duogateway/v1/bench-6/events", "own")
	publish(t, ops, victim+"/jobs/request", "asked")
	publish(t, ops, victim+"/jobs/x/cancel", "asked")
	publish(t, ops, victim+"/jobs/x", "")
	for _, topic := range []string{"duogateway/v1/bench-6/events", victim + "/jobs/request", victim + "/jobs/x/cancel", victim + "/jobs/x"} {
		eventually(t, topic, func() bool { _, ok := all.on(topic); return ok })
	}
	all.mu.Lock()
	for topic, text := range all.heard {
		if text == "forged" {
			t.Errorf("a forged message on %s", topic)
		}
	}
	all.mu.Unlock()
	eventually(t, "what is one's own", func() bool { _, ok := spy.on("duogateway/v1/bench-6/events"); return ok })
	spy.mu.Lock()
	for topic := range spy.heard {
		if !strings.HasPrefix(topic, "duogateway/v1/bench-6/") {
			t.Errorf("a station reads %s", topic)
		}
	}
	spy.mu.Unlock()
}

// The encryption is checked, both ways.
func TestEncryptionIsChecked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, name := range []string{"bench-7", "old"} {
		s.ca.client(name)
	}
	s.ca.issue("old", &x509.Certificate{NotAfter: time.Now().Add(-time.Minute), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	strangers := t.TempDir()
	stranger := newAuthority(t, strangers, "clients-ca")
	stranger.client("bench-7")
	cases := []struct {
		what   string
		change func(*cloudsync.Config)
		want   string // of the problem; empty for none
	}{
		{"all is right", func(*cloudsync.Config) {}, ""},
		{"another name in the certificate", func(c *cloudsync.Config) { c.ServerName = "broker.test" }, ""},
		{"a name that is not in it", func(c *cloudsync.Config) { c.ServerName = "broker.example" }, "server_name"},
		{"a broker of another CA", func(c *cloudsync.Config) { c.CA = filepath.Join(strangers, "clients-ca.pem") }, "setting ca"},
		{"the CAs of the system", func(c *cloudsync.Config) { c.CA = "" }, "setting ca"},
		{"a certificate of another CA", func(c *cloudsync.Config) {
			c.Certificate, c.Key = filepath.Join(strangers, "bench-7.pem"), filepath.Join(strangers, "bench-7.key")
		}, "network Error"},
		{"a certificate that is over", func(c *cloudsync.Config) {
			c.Certificate, c.Key = filepath.Join(s.folder, "old.pem"), filepath.Join(s.folder, "old.key")
		}, "network Error"},
		{"no certificate", func(c *cloudsync.Config) { c.Certificate, c.Key = "", "" }, "network Error"},
		{"a key of another certificate", func(c *cloudsync.Config) { c.Key = filepath.Join(s.folder, "old.key") }, "does not match"},
		{"no encryption", func(c *cloudsync.Config) { c.Broker = strings.Replace(c.Broker, "mqtts", "mqtt", 1) }, "network Error"},
	}
	for _, c := range cases {
		cfg := s.config("bench-7")
		c.change(&cfg)
		findings, err := cloudsync.Check(context.Background(), cfg)
		if err != nil || len(findings) == 0 {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got := findings[0]; got.OK != (c.want == "") || !strings.Contains(got.Problem, c.want) {
			t.Errorf("%s: %+v, want a problem with %q", c.what, got, c.want)
		}
	}
}

// silent is an outbox, a desk and a snapshot with nothing to say.
type silent struct{}

func (silent) Outbox(int) ([]job.Letter, error)                             { return nil, nil }
func (silent) Delivered(...uint64) error                                    { return nil }
func (silent) Changed() <-chan struct{}                                     { return nil }
func (silent) Info() (job.StationInfo, error)                               { return job.StationInfo{}, nil }
func (silent) Bays() ([]job.BayState, error)                                { return nil, nil }
func (silent) Request(context.Context, []byte, cloudsync.Meta) error        { return nil }
func (silent) Cancel(context.Context, string, []byte, cloudsync.Meta) error { return nil }

// run runs a link until the end of the test.
func run(t *testing.T, cfg cloudsync.Config) *cloudsync.Link {
	t.Helper()
	number := uint64(0)
	link, err := cloudsync.New(cfg, cloudsync.Parts{
		Outbox: silent{}, Desk: silent{}, Snapshot: silent{}, Clock: job.Clock{Boot: "boot"}, Log: slog.New(slog.DiscardHandler),
		Session: func() (uint64, error) { number++; return number, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); link.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return link
}

// A user and a password, which is exchanged while the station tries.
func TestPassword(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	port := freePort(t)
	passwords := filepath.Join(folder, "passwords")
	if out, err := exec.Command("mosquitto_passwd", "-c", "-b", passwords, "bench-7", "right").CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v\n%s", err, out)
	}
	newMosquitto(t, folder, fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous false\npassword_file %s\n", port, passwords), port).start()
	secret := filepath.Join(folder, "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong")
	link := run(t, cloudsync.Config{
		Station: "bench-7", Broker: fmt.Sprintf("mqtt://127.0.0.1:%d", port), User: "bench-7", PasswordFile: secret,
		MinRetry: 10 * time.Millisecond, MaxRetry: 50 * time.Millisecond,
	})
	eventually(t, "the broker refuses", func() bool { return strings.Contains(link.Status().LastError, "check user, password") })
	write("right\n")
	eventually(t, "the link is up", func() bool { return link.Status().Connected })
}

// The broker of the guide lets two stations of one name throw each other out;
// the will of the one that is thrown out does not hide the other.
func TestGuideAndTwins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.ca.client("bench-7")
	one, two := run(t, s.config("bench-7")), (*cloudsync.Link)(nil)
	eventually(t, "the first is online", func() bool { return one.Status().Connected })
	cfg := s.config("bench-7")
	number := uint64(100)
	two, err := cloudsync.New(cfg, cloudsync.Parts{
		Outbox: silent{}, Desk: silent{}, Snapshot: silent{}, Clock: job.Clock{Boot: "other"}, Log: slog.New(slog.DiscardHandler),
		Session: func() (uint64, error) { number++; return number, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); two.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for name, link := range map[string]*cloudsync.Link{"first": one, "second": two} {
		eventually(t, "the "+name+" notices", func() bool { twin := link.Status().Twin; return twin != nil && twin.Boot != "" })
	}
}
