package mqtt

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"duogateway/job"
)

// operator is whoever sends jobs and keeps a view of what became of them, from
// the messages alone.
type operator struct {
	t *testing.T

	mu      sync.Mutex
	client  paho.Client          // nil while there is no connection
	jobs    map[string]job.Job   // as last told
	finals  map[string]job.Job   // as first told in a final state
	events  map[uint64]job.Event // by number
	gaps    []job.Gap
	answers map[string][]job.Answer // by the id of the job
	wrong   []string                // what must not have been told
}

func newOperator(t *testing.T, broker string) *operator {
	o := &operator{t: t, jobs: map[string]job.Job{}, finals: map[string]job.Job{}, events: map[uint64]job.Event{}, answers: map[string][]job.Answer{}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.run(ctx, broker) }()
	t.Cleanup(func() { cancel(); <-done })
	return o
}

// run connects again and again, each time with a new client: the library's own
// reconnecting races with itself when messages are under way.
func (o *operator) run(ctx context.Context, broker string) {
	for ctx.Err() == nil {
		lost := make(chan struct{})
		options := paho.NewClientOptions().AddBroker(broker).SetClientID("operator").SetCleanSession(false)
		options.SetAutoReconnect(false).SetWriteTimeout(time.Second).SetConnectTimeout(time.Second).SetDefaultPublishHandler(o.hear)
		options.SetConnectionLostHandler(func(paho.Client, error) { close(lost) })
		client := paho.NewClient(options)
		if token := client.Connect(); token.WaitTimeout(2*time.Second) && token.Error() == nil {
			client.Subscribe("duogateway/v1/"+name+"/#", 1, nil).WaitTimeout(time.Second)
			o.use(client)
			select {
			case <-lost:
			case <-ctx.Done():
			}
			o.use(nil)
		}
		client.Disconnect(250)
		pause(ctx, 50*time.Millisecond)
	}
}

func (o *operator) use(client paho.Client) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.client = client
}

func (o *operator) hear(_ paho.Client, m paho.Message) {
	parts := strings.Split(m.Topic(), "/")[3:]
	o.mu.Lock()
	defer o.mu.Unlock()
	var err error
	switch {
	case parts[0] == "jobs" && len(parts) == 2 && parts[1] != "request":
		err = o.hearJob(parts[1], m.Payload())
	case parts[0] == "events":
		err = o.hearEvent(m.Payload())
	case parts[0] == "answers":
		var a job.Answer
		err = json.Unmarshal(m.Payload(), &a)
		o.answers[a.ID] = append(o.answers[a.ID], a)
	}
	if err != nil {
		o.wrong = append(o.wrong, fmt.Sprintf("%s: %v", m.Topic(), err))
	}
}

// hearJob holds a job against what was told of it before. // P3
func (o *operator) hearJob(id string, payload []byte) error {
	var j job.Job
	if err := json.Unmarshal(payload, &j); err != nil {
		return err
	}
	if j.ID != id {
		return fmt.Errorf("it tells of job %s", j.ID)
	}
	final, over := o.finals[id]
	switch {
	case over && !reflect.DeepEqual(final, j):
		return fmt.Errorf("the job was over as %+v and is now %+v", final, j)
	case j.State.Final():
		o.finals[id] = j
	}
	o.jobs[id] = j
	return nil
}

// hearEvent holds an event against one of the same number.
func (o *operator) hearEvent(payload []byte) error {
	var e job.Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return err
	}
	if before, told := o.events[e.Number]; told && !reflect.DeepEqual(before, e) {
		return fmt.Errorf("event %d was %+v and is now %+v", e.Number, before, e)
	}
	o.events[e.Number] = e
	if e.What == job.EventsDropped {
		o.gaps = append(o.gaps, e.Gap)
	}
	return nil
}

// send publishes, and does not wait: what is not answered is sent again.
func (o *operator) send(topic, payload string) {
	o.mu.Lock()
	client := o.client
	o.mu.Unlock()
	if client == nil {
		return
	}
	client.Publish("duogateway/v1/"+name+"/"+topic, 1, false, payload)
}

// over tells whether a job is in a final state, as far as the operator knows.
func (o *operator) over(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.finals[id]
	return ok
}

// heardOf tells whether anything was told about a job.
func (o *operator) heardOf(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.jobs[id]
	return ok
}

// missing lists the numbers up to the last one that no event had, beyond what
// gaps explain.
func (o *operator) missing(last uint64) (list []uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	explained := func(n uint64) bool {
		for _, g := range o.gaps {
			if n >= g.From && n <= g.To {
				return true
			}
		}
		return false
	}
	for n := uint64(1); n <= last; n++ {
		if _, told := o.events[n]; !told && !explained(n) {
			list = append(list, n)
		}
	}
	return list
}
