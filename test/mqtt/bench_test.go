package mqtt

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"duogateway/job"
)

// peer is a client that waits for messages on one topic at a time.
type peer struct {
	paho.Client
	heard chan string // topics
}

func newPeer(b *testing.B, url, filter string) *peer {
	b.Helper()
	p := &peer{heard: make(chan string, 1000)}
	options := paho.NewClientOptions().AddBroker(url).SetClientID("peer").SetAutoReconnect(false)
	options.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { p.heard <- m.Topic() })
	p.Client = paho.NewClient(options)
	if token := p.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		b.Fatal(token.Error())
	}
	b.Cleanup(func() { p.Disconnect(250) })
	if token := p.Subscribe(filter, 1, nil); !token.WaitTimeout(patience) || token.Error() != nil {
		b.Fatal(token.Error())
	}
	return p
}

// ask publishes a message and waits for one on another topic.
func (p *peer) ask(b *testing.B, topic, payload, answer string) {
	b.Helper()
	p.Publish(topic, 1, false, payload)
	p.await(b, answer)
}

// await waits for a message on a topic.
func (p *peer) await(b *testing.B, answer string) {
	b.Helper()
	limit := time.After(patience)
	for {
		select {
		case heard := <-p.heard:
			if heard == answer {
				return
			}
		case <-limit:
			b.Fatalf("nothing on %s", answer)
		}
	}
}

// From the publishing of a request to the arrival of its job, which is on the
// disk by then; and beside it what the broker and the library take alone, to a
// message that only comes back.
func BenchmarkAccepted(b *testing.B) {
	port := freePort(b)
	newMosquitto(b, b.TempDir(), fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n", port), port).start()
	url := fmt.Sprintf("mqtt://127.0.0.1:%d", port)
	b.Run("echo", func(b *testing.B) {
		p := newPeer(b, url, "echo")
		for b.Loop() {
			p.ask(b, "echo", "x", "echo")
		}
	})
	b.Run("job", func(b *testing.B) {
		p := newPeer(b, url, "duogateway/v1/"+name+"/+/+")
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- child(ctx, b.TempDir(), url) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				b.Error(err)
			}
		}()
		until := time.Now().Add(time.Hour).UTC()
		p.await(b, "duogateway/v1/"+name+"/bays/A")
		root := "duogateway/v1/" + name + "/jobs/"
		for i := 0; b.Loop(); i++ {
			id := fmt.Sprint("bench-", i)
			text, err := json.Marshal(job.Request{ID: id, Kind: job.Backup, Bay: "A", NotAfter: &until})
			if err != nil {
				b.Fatal(err)
			}
			p.ask(b, root+"request", string(text), root+id)
		}
	})
}
