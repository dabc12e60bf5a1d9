package cloudsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"duogateway/job"
)

const (
	// window is how many messages are under way at once. Their order is kept,
	// and a broker need not hold more for a station.
	window = 16

	// page is how many letters are in memory at once.
	page = 4 * window

	// askAgain is how long a refused subscription rests.
	askAgain = 15 * time.Second

	// haltTime is how many times the shortest wait a station rests that cannot
	// store what it is asked.
	haltTime = 5
)

// arrive subscribes, and says that the station is online.
func (c *connection) arrive(ctx context.Context) error {
	if err := c.subscribe(ctx, c.profile.filters(c.Station)); err != nil {
		return err
	}
	if err := c.sayState(ctx, job.Online); err != nil {
		return err
	}
	c.status.up()
	c.status.missing(c.refused)
	c.Log.Info("the link to the broker is up", "broker", c.Broker)
	return nil
}

// subscribe asks for subscriptions one by one, and notes which are refused.
func (c *connection) subscribe(ctx context.Context, wanted []subscription) error {
	c.refused = nil
	for _, s := range wanted {
		granted, err := c.subscribeTo(ctx, s)
		if err != nil {
			return fmt.Errorf("subscribing to %s: %w", s.filter, err)
		}
		if !granted {
			c.Log.Error("the broker refuses a subscription", "filter", s.filter)
			c.refused = append(c.refused, s)
		}
	}
	return nil
}

func (c *connection) subscribeTo(ctx context.Context, s subscription) (granted bool, err error) {
	token, err := c.issue(ctx, func() mqtt.Token { return c.client.Subscribe(s.filter, s.qos, nil) })
	if err != nil {
		return false, err
	}
	if err := c.await(ctx, token, c.AckTimeout); err != nil {
		return false, err
	}
	// 0x80 says no: MQTT 3.1.1, section 3.9.3.
	qos, answered := token.(*mqtt.SubscribeToken).Result()[s.filter]
	return answered && qos >= s.qos && qos <= 2, nil
}

// serve works until the connection or ctx ends; at the end of ctx it says
// good-bye. It tells how long the station was online.
//
// What the broker has kept for the station comes before anything else, and is
// taken in at once: who waited until the subscriptions are confirmed could be
// cut off before that, again and again.
func (c *connection) serve(ctx context.Context) (lasted time.Duration, err error) {
	var reception sync.WaitGroup
	reception.Go(func() { c.takeIn(ctx) })
	if err = c.arrive(ctx); err == nil {
		arrived := time.Now()
		err = c.talk(ctx)
		lasted = time.Since(arrived)
		c.twins.ended(lasted)
	}
	if ctx.Err() == nil {
		c.fail(err)
	}
	reception.Wait()
	if ctx.Err() != nil {
		c.leave()
	}
	return lasted, err
}

// talk tells what there is to tell, whenever there is something new. When
// nothing more can be taken in, the connection has to be made anew, for the
// broker to send again what was not acknowledged. That waits until everything is
// told: the outbox may be what is full.
func (c *connection) talk(ctx context.Context) error {
	ask := time.NewTicker(askAgain)
	defer ask.Stop()
	var halted error
	var anew <-chan time.Time
	for {
		letters, snapshot := c.Outbox.Changed(), c.Snapshot.Changed()
		if err := c.tell(ctx); err != nil {
			return err
		}
		select {
		case <-letters:
		case <-snapshot:
		case <-c.again:
			if err := c.sayState(ctx, job.Online); err != nil {
				return err
			}
		case <-ask.C:
			if err := c.subscribe(ctx, c.refused); err != nil {
				return err
			}
			c.status.missing(c.refused)
		case halted = <-c.halt:
			anew = time.After(haltTime * c.MinRetry)
		case <-anew:
			return halted
		case <-c.ended:
			return c.reason
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tell tells what holds now, and all letters that wait.
func (c *connection) tell(ctx context.Context) error {
	for {
		if err := c.tellSnapshot(ctx); err != nil {
			return err
		}
		letters, err := c.Outbox.Outbox(page)
		if err != nil {
			return fmt.Errorf("looking for letters: %w", err)
		}
		if len(letters) == 0 {
			return nil
		}
		if err := c.tellLetters(ctx, letters); err != nil {
			return err
		}
	}
}

// tellSnapshot tells what has changed since this connection told it.
func (c *connection) tellSnapshot(ctx context.Context) error {
	info, err := c.Snapshot.Info()
	if err != nil {
		return fmt.Errorf("describing the station: %w", err)
	}
	bays, err := c.Snapshot.Bays()
	if err != nil {
		return fmt.Errorf("describing the bays: %w", err)
	}
	same := info
	same.At = job.Stamp{}
	if err := c.tellNews(ctx, aboutInfo, "", same, info); err != nil {
		return err
	}
	for _, bay := range bays {
		same := bay
		same.At = job.Stamp{}
		if err := c.tellNews(ctx, aboutBay, bay.Bay, same, bay); err != nil {
			return err
		}
	}
	return nil
}

// tellNews tells something of the station or of a bay, unless this connection
// told the same before: the same but for the moment at which it was so.
func (c *connection) tellNews(ctx context.Context, about subject, bay string, same, now any) error {
	text, err := json.Marshal(same)
	if err != nil {
		return fmt.Errorf("putting what is about the %s into JSON: %w", about, err)
	}
	name := string(about) + " " + bay
	if c.told[name] == string(text) {
		return nil
	}
	var messages []message
	for _, content := range c.profile.outlets[about].steps(now) {
		m, err := c.profile.message(about, c.with("bay", bay), content)
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	if _, err := c.deliver(ctx, messages); err != nil {
		return err
	}
	c.told[name] = string(text)
	return nil
}

// sayState says whether the station is there.
func (c *connection) sayState(ctx context.Context, link job.Link) error {
	m, err := c.profile.message(aboutState, c.values, c.state(link))
	if err == nil {
		_, err = c.deliver(ctx, []message{m})
	}
	return err
}

// state is what the station says of this connection. What is offline is said
// without a time: the broker, which may have to say it, knows none.
func (c *connection) state(link job.Link) job.StationState {
	s := job.StationState{State: link, Session: c.session, Boot: c.Clock.Boot}
	if link == job.Online {
		now := c.Clock.Now()
		s.Since = &now
	}
	if twin := c.twins.present(); twin != nil {
		s.Trouble = twin.String()
	}
	return s
}

// tellLetters delivers letters, and takes out of the outbox those that have
// arrived: no other ones, and those even if the connection ends in between.
func (c *connection) tellLetters(ctx context.Context, letters []job.Letter) error {
	var messages []message
	var numbers []uint64
	for _, l := range letters {
		m, err := c.profile.letter(l, c.with("", ""))
		if err != nil {
			return fmt.Errorf("letter %d: %w", l.Number, err)
		}
		messages, numbers = append(messages, m), append(numbers, l.Number)
	}
	arrived, err := c.deliver(ctx, messages)
	if arrived > 0 {
		if e := c.Outbox.Delivered(numbers[:arrived]...); e != nil {
			err = errors.Join(fmt.Errorf("taking letters out of the outbox: %w", e), err)
		}
		c.status.sent(arrived)
	}
	if err != nil && arrived < len(numbers) {
		c.status.held(numbers[arrived])
	}
	return err
}

// deliver sends messages in order, a few at a time, and tells how many of them
// the broker has acknowledged, from the first one on.
func (c *connection) deliver(ctx context.Context, messages []message) (arrived int, err error) {
	var tokens []mqtt.Token
	for arrived < len(messages) {
		for len(tokens) < len(messages) && len(tokens)-arrived < window {
			m := messages[len(tokens)]
			token, err := c.issue(ctx, func() mqtt.Token { return c.client.Publish(m.topic, 1, m.retained, m.payload) })
			if err != nil {
				return arrived, err
			}
			tokens = append(tokens, token)
		}
		if err := c.await(ctx, tokens[arrived], c.AckTimeout); err != nil {
			return arrived, fmt.Errorf("publishing to %s: %w", messages[arrived].topic, err)
		}
		arrived++
	}
	return arrived, nil
}

// with are the values of the templates, one more among them, and a fresh
// request id.
func (c *connection) with(name, value string) values {
	v := values{"rid": strconv.FormatUint(c.rids.Add(1), 10), name: value}
	for known, value := range c.values {
		v[known] = value
	}
	return v
}
