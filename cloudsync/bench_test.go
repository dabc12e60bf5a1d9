package cloudsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"

	"duogateway/job"
	"duogateway/virtual/broker"
)

// station is the name of the station in the tests.
const station = "bench-7"

// patience bounds how long a test waits for what has to come.
const patience = 30 * time.Second

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// store is an outbox and a snapshot in memory.
type store struct {
	mu       sync.Mutex
	letters  []job.Letter
	next     uint64
	changed  chan struct{}
	asked    int // the largest page
	failing  bool
	deleted  []uint64
	bays     []job.BayState
	newState chan struct{}
}

func newStore() *store {
	return &store{changed: make(chan struct{}, 1), newState: make(chan struct{}, 1)}
}

// write adds an event.
func (s *store) write(detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	event := &job.Event{Number: s.next, What: job.StepDone, Detail: detail}
	s.add(job.Letter{Number: s.next, Kind: job.EventLetter, Event: event})
}

func (s *store) add(l job.Letter) {
	s.letters = append(s.letters, l)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *store) Outbox(limit int) ([]job.Letter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing {
		return nil, errors.New("the disk is gone")
	}
	s.asked = max(s.asked, limit)
	return append([]job.Letter(nil), s.letters[:min(limit, len(s.letters))]...), nil
}

func (s *store) Delivered(numbers ...uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range numbers {
		if len(s.letters) == 0 || s.letters[0].Number != n {
			return fmt.Errorf("letter %d is deleted out of order", n)
		}
		s.letters = s.letters[1:]
		s.deleted = append(s.deleted, n)
	}
	return nil
}

func (s *store) Changed() <-chan struct{} { return s.changed }

func (s *store) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.letters)
}

// view is the same store as a snapshot.
type view struct{ *store }

func (v view) Info() (job.StationInfo, error) {
	return job.StationInfo{Station: station, At: job.Stamp{At: time.Now()}}, nil
}

func (v view) Bays() ([]job.BayState, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]job.BayState(nil), v.bays...), nil
}

func (v view) Changed() <-chan struct{} { return v.newState }

func (s *store) setBays(bays ...job.BayState) {
	s.mu.Lock()
	s.bays = bays
	s.mu.Unlock()
	s.newState <- struct{}{}
}

// desk notes what it is asked.
type desk struct {
	mu       sync.Mutex
	asked    []wish
	failing  int           // so often a message cannot be stored
	slowness chan struct{} // if set, each message waits for a value
}

// wish is one call of the desk.
type wish struct {
	cancel  string // the id; empty for a request
	payload string
	about   Meta
}

func (d *desk) Request(ctx context.Context, payload []byte, about Meta) error {
	return d.take(ctx, wish{payload: string(payload), about: about})
}

func (d *desk) Cancel(ctx context.Context, id string, payload []byte, about Meta) error {
	return d.take(ctx, wish{cancel: id, payload: string(payload), about: about})
}

func (d *desk) take(ctx context.Context, w wish) error {
	if d.slowness != nil {
		select {
		case <-d.slowness:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing > 0 {
		d.failing--
		return errors.New("the disk is gone")
	}
	d.asked = append(d.asked, w)
	return nil
}

func (d *desk) wishes() []wish {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]wish(nil), d.asked...)
}

// distinct counts the messages, each of them once.
func (d *desk) distinct() int {
	set := map[string]bool{}
	for _, w := range d.wishes() {
		set[w.payload] = true
	}
	return len(set)
}

// bench is a link with all that it needs, in memory, and a broker to talk to.
type bench struct {
	*testing.T
	broker *broker.Broker
	config Config
	store  *store
	desk   *desk
	log    *logged
	link   *Link
	stop   func()

	session uint64
	mu      sync.Mutex
	heard   []broker.Message
}

// logged is a log that can be read.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newBench makes a bench with a broker of its own. The link does not run yet.
func newBench(t *testing.T, hooks ...mochi.Hook) *bench {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, store: newStore(), desk: &desk{}, log: &logged{}}
	if b.broker, err = broker.Start(listener, hooks...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.broker.Close() })
	if err := b.broker.Subscribe("#", b.hear); err != nil {
		t.Fatal(err)
	}
	b.config = quick(b.broker.URL())
	return b
}

// quick is a configuration that does not wait for long.
func quick(url string) Config {
	return Config{
		Station: station, Broker: url, MinRetry: 5 * time.Millisecond, MaxRetry: 50 * time.Millisecond,
		ConnectTimeout: 2 * time.Second, AckTimeout: 2 * time.Second,
	}
}

// start runs the link until the end of the test, or until stop.
func (b *bench) start() {
	b.Helper()
	var err error
	if b.link, err = New(b.config, b.parts()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); b.link.Run(ctx) }()
	b.stop = func() { cancel(); <-done }
	b.Cleanup(b.stop)
}

func (b *bench) parts() Parts {
	return Parts{
		Outbox: b.store, Desk: b.desk, Snapshot: view{b.store},
		Clock:   job.Clock{Boot: "boot-a"},
		Log:     slog.New(slog.NewTextHandler(b.log, nil)),
		Session: func() (uint64, error) { b.session++; return b.session, nil },
	}
}

func (b *bench) hear(m broker.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = append(b.heard, m)
}

// said lists what was published below the station's root on one topic.
func (b *bench) said(topic string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var payloads []string
	for _, m := range b.heard {
		if m.Topic == "duogateway/v1/"+station+"/"+topic {
			payloads = append(payloads, string(m.Payload))
		}
	}
	return payloads
}

// states lists what was published about the station's link.
func (b *bench) states() []job.StationState {
	b.Helper()
	var list []job.StationState
	for _, text := range b.said("state") {
		var s job.StationState
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			b.Fatalf("state %q: %v", text, err)
		}
		list = append(list, s)
	}
	return list
}

// online waits until the link is up.
func (b *bench) online() {
	b.Helper()
	eventually(b.T, "the link is up", func() bool { return b.link.Status().Connected })
}

func (b *bench) publish(topic, payload string, retained bool) {
	b.Helper()
	if err := b.broker.Publish("duogateway/v1/"+station+"/"+topic, []byte(payload), retained); err != nil {
		b.Fatal(err)
	}
}
