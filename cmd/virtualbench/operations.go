package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"duogateway/job"
	"duogateway/virtual/broker"
)

// stationTopic is the root of all that is said to the station of the demo and
// by it.
const stationTopic = job.SchemaVersion + "/" + stationName

// operations are the people who run stations that they never see, with the
// broker between them. All that they know of the station is what it tells there.
type operations struct {
	broker  *broker.Broker
	address net.Addr
	told    chan broker.Message // what is told of the link and of jobs
}

// demoBroker is where the broker of a demo listens if nobody else does, so that
// the commands of the manual fit.
const demoBroker = "127.0.0.1:18830"

// mostTold is more than a station tells of itself and its jobs in a demo. When
// nobody reads any more, what is told is lost.
const mostTold = 1000

func newOperations() (*operations, error) {
	listener, err := listenHere(demoBroker)
	if errors.Is(err, syscall.EADDRINUSE) {
		listener, err = listenHere("127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("opening a broker: %w", err)
	}
	o := &operations{address: listener.Addr(), told: make(chan broker.Message, mostTold)}
	if o.broker, err = broker.Start(listener); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	for _, topic := range []string{"/state", "/jobs/+"} {
		if err := o.broker.Subscribe(stationTopic+topic, o.hear); err != nil {
			return nil, errors.Join(fmt.Errorf("listening to the broker: %w", err), o.broker.Close())
		}
	}
	return o, nil
}

func (o *operations) hear(m broker.Message) {
	select {
	case o.told <- m:
	default:
	}
}

func (o *operations) close() error {
	if o == nil {
		return nil
	}
	return o.broker.Close()
}

// order is a request as it is sent.
type order struct {
	ID       string    `json:"id"`
	Kind     job.Kind  `json:"kind"`
	Bay      string    `json:"bay"`
	NotAfter time.Time `json:"not_after"`
}

// diagnose asks for a diagnosis of a bay, and shows what is told of it until it
// is over.
func (o *operations) diagnose(ctx context.Context, bay string, say func(format string, args ...any)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*startTime, errors.New("the station does not answer over MQTT"))
	defer cancel()
	if err := o.awaitOnline(ctx); err != nil {
		return err
	}
	wish := order{ID: "order-1", Kind: job.Diagnose, Bay: bay, NotAfter: time.Now().UTC().Add(time.Minute).Truncate(time.Second)}
	text, err := json.Marshal(wish)
	if err != nil {
		return fmt.Errorf("writing a request: %w", err)
	}
	sent := time.Now()
	line := func(what, topic, more string) {
		say("  %5.1f s  %-8s  %s  %s", time.Since(sent).Seconds(), what, stationTopic+topic, more)
	}
	line("request", "/jobs/request", string(text))
	if err := o.broker.Publish(stationTopic+"/jobs/request", text, false); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	return o.follow(ctx, wish.ID, line)
}

// follow shows that a job is accepted, and what it comes to, as it is told.
func (o *operations) follow(ctx context.Context, id string, line func(what, topic, more string)) error {
	accepted := false
	for {
		m, err := o.next(ctx, "/jobs/"+id)
		if err != nil {
			return err
		}
		var j job.Job
		if err := json.Unmarshal(m.Payload, &j); err != nil {
			return fmt.Errorf("reading what is told of a job: %w", err)
		}
		switch {
		case j.State == job.Succeeded:
			line("result", "/jobs/"+id, result(j))
			return nil
		case j.State.Final():
			return fmt.Errorf("the job that was asked for over MQTT is %s: %s", j.State, result(j))
		case !accepted:
			accepted = true
			line("accepted", "/jobs/"+id, "it is in the journal, and will be done")
		}
	}
}

// result is what a job comes to.
func result(j job.Job) string {
	if j.Fault != nil {
		return fmt.Sprintf("verdict %s: %s: %s", j.Verdict, j.Fault.Code, j.Fault.Message)
	}
	for _, step := range j.Steps {
		if step.Name == "diagnose" {
			return fmt.Sprintf("verdict %s: %s", j.Verdict, step.Detail)
		}
	}
	return fmt.Sprintf("verdict %s", j.Verdict)
}

// awaitOnline waits for the station to say that it takes requests.
func (o *operations) awaitOnline(ctx context.Context) error {
	for {
		m, err := o.next(ctx, "/state")
		if err != nil {
			return err
		}
		var state job.StationState
		if err := json.Unmarshal(m.Payload, &state); err != nil {
			return fmt.Errorf("reading the state of the station: %w", err)
		}
		if state.State == job.Online {
			return nil
		}
	}
}

// next waits for what is told on a topic, and passes over all else.
func (o *operations) next(ctx context.Context, topic string) (broker.Message, error) {
	for {
		select {
		case m := <-o.told:
			if strings.TrimPrefix(m.Topic, stationTopic) == topic {
				return m, nil
			}
		case <-ctx.Done():
			return broker.Message{}, context.Cause(ctx)
		}
	}
}
