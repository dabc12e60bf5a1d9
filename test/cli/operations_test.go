package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/rogpeppe/go-internal/testscript"

	"duogateway/job"
	"duogateway/virtual/broker"
)

// heardFile holds every message that went over the broker of a place, a line
// each: topic and payload. It is searched for secrets like all that a place
// leaves behind. // P4
const heardFile = "heard.log"

// operations is the broker of a place, and who listens there to everything.
type operations struct {
	*broker.Broker
	mu    sync.Mutex
	heard []string
	file  *os.File
	wrong error
}

// narrow lets clients speak and hear below the station's name alone.
type narrow struct{ broker.Open }

// OnACLCheck allows a topic.
func (*narrow) OnACLCheck(_ *mqtt.Client, topic string, _ bool) bool {
	return strings.HasPrefix(topic, "duogateway/v1/test/")
}

// startBroker starts a broker on the loopback.
func (p *place) startBroker() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	o := &operations{}
	if o.file, err = os.Create(p.path(heardFile)); err != nil {
		return errors.Join(err, listener.Close())
	}
	if o.Broker, err = broker.Start(listener, new(narrow)); err != nil {
		return errors.Join(err, listener.Close())
	}
	p.operations = o
	return o.Subscribe("#", o.hear)
}

func (o *operations) hear(m broker.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := m.Topic + " " + string(m.Payload)
	o.heard = append(o.heard, line)
	_, err := fmt.Fprintln(o.file, line)
	o.wrong = errors.Join(o.wrong, err)
}

// end ends the broker. Nothing may have been missing in what it carried.
func (o *operations) end() error {
	err := o.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(err, o.wrong, o.file.Close())
}

// holes tells which numbers of events are missing.
func (o *operations) holes() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := map[uint64]bool{}
	for _, line := range o.heard {
		topic, payload, _ := strings.Cut(line, " ")
		if !strings.HasSuffix(topic, "/events") {
			continue
		}
		var e job.Event
		if err := json.Unmarshal([]byte(payload), &e); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		seen[e.Number] = e.Number > 0 // a probe has none
	}
	delete(seen, 0)
	for n := range uint64(len(seen)) {
		if !seen[n+1] {
			return fmt.Errorf("event %d was never told", n+1)
		}
	}
	return nil
}

// count counts the messages that match.
func (o *operations) count(pattern *regexp.Regexp) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, line := range o.heard {
		if pattern.MatchString(line) {
			n++
		}
	}
	return n
}

// cmdBroker: broker CONFIG. It starts a broker and puts it into a configuration,
// as the last table, and its port into MQTT_PORT. Diagnoses need no signature.
func cmdBroker(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "broker CONFIG")
	p := placeOf(ts)
	ts.Check(p.startBroker())
	text := ts.ReadFile(args[0]) + fmt.Sprintf("\n[mqtt]\nbroker = %q\nunsigned = [\"diagnose\"]\n", p.operations.URL())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
	ts.Setenv("MQTT_PORT", p.operations.URL()[strings.LastIndexByte(p.operations.URL(), ':')+1:])
}

// cmdHeard: heard [COUNT] TOPIC REGEXP waits until so many messages, one if
// nothing is said, whose payload matches have come on a topic below that of the
// station. heard all makes sure that no number of an event is missing.
func cmdHeard(ts *testscript.TestScript, neg bool, args []string) {
	const usage = "heard [COUNT] TOPIC REGEXP | all"
	o := placeOf(ts).operations
	if slices.Equal(args, []string{"all"}) {
		ts.Check(o.holes())
		return
	}
	least := 1
	if len(args) == 3 {
		var err error
		least, err = strconv.Atoi(args[0])
		ts.Check(err)
		args = args[1:]
	}
	want(ts, len(args) == 2, usage)
	pattern, err := regexp.Compile("^duogateway/v1/test/" + regexp.QuoteMeta(args[0]) + " .*" + args[1])
	ts.Check(err)
	if neg {
		if n := o.count(pattern); n > 0 {
			ts.Fatalf("%d messages match %v", n, pattern)
		}
		return
	}
	ts.Check(await(fmt.Sprintf("%d messages that match %v", least, pattern), func() bool { return o.count(pattern) >= least }))
}
