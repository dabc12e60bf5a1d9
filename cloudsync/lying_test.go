package cloudsync

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// liar is a broker that does to each connection what the test says.
type liar struct {
	listener net.Listener
	work     sync.WaitGroup

	mu    sync.Mutex
	lines []net.Conn
}

func newLiar(t *testing.T, lie func(number int, line net.Conn)) *liar {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{listener: listener}
	l.work.Go(func() {
		for number := 1; ; number++ {
			line, err := listener.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			l.lines = append(l.lines, line)
			l.mu.Unlock()
			l.work.Go(func() { lie(number, line); _ = line.Close() })
		}
	})
	t.Cleanup(l.close)
	return l
}

func (l *liar) close() {
	_ = l.listener.Close()
	l.mu.Lock()
	for _, line := range l.lines {
		_ = line.Close()
	}
	l.mu.Unlock()
	l.work.Wait()
}

func (l *liar) url() string { return "mqtt://" + l.listener.Addr().String() }

// obliging answers a station as a broker would, but keeps nothing; react may say
// something else in place of that, and then says true.
func obliging(line net.Conn, present bool, react func(packets.ControlPacket) bool) {
	for {
		packet, err := packets.ReadPacket(line)
		if err != nil {
			return
		}
		if react != nil && react(packet) {
			continue
		}
		switch p := packet.(type) {
		case *packets.ConnectPacket:
			answer := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
			answer.SessionPresent = present
			_ = answer.Write(line)
		case *packets.SubscribePacket:
			answer := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			answer.MessageID, answer.ReturnCodes = p.MessageID, p.Qoss
			_ = answer.Write(line)
		case *packets.PublishPacket:
			answer := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
			answer.MessageID = p.MessageID
			_ = answer.Write(line)
		case *packets.PingreqPacket:
			_ = packets.NewControlPacket(packets.Pingresp).Write(line)
		}
	}
}

// survives runs a link against a broker that lies to the first connections and
// is honest later, and checks that everything has arrived in the end.
func survives(t *testing.T, lies int, lie func(line net.Conn)) *bench {
	t.Helper()
	var mu sync.Mutex
	arrived := map[string]bool{}
	l := newLiar(t, func(number int, line net.Conn) {
		if number <= lies {
			lie(line)
			return
		}
		obliging(line, number%2 == 0, func(packet packets.ControlPacket) bool {
			if p, ok := packet.(*packets.PublishPacket); ok && strings.HasSuffix(p.TopicName, "/events") {
				mu.Lock()
				arrived[string(p.Payload)] = true
				mu.Unlock()
			}
			return false
		})
	})
	b := &bench{T: t, store: newStore(), desk: &desk{}, log: &logged{}, config: quick(l.url())}
	b.config.ConnectTimeout, b.config.AckTimeout = 100*time.Millisecond, 100*time.Millisecond
	for i := range 30 {
		b.store.write(fmt.Sprint("event ", i))
	}
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
	mu.Lock()
	defer mu.Unlock()
	if len(arrived) != 30 {
		t.Errorf("the outbox is empty, and %d events have arrived of 30", len(arrived))
	}
	return b
}

func TestLyingBrokers(t *testing.T) {
	raw := func(text string) func(net.Conn) {
		return func(line net.Conn) { _, _ = line.Write([]byte(text)) }
	}
	welcomed := "\x20\x02\x00\x00"
	lies := map[string]func(net.Conn){
		"it says nothing":             func(line net.Conn) { time.Sleep(200 * time.Millisecond) },
		"it goes away":                func(net.Conn) {},
		"it speaks another protocol":  raw("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"it speaks before it is told": raw("\x30\x03\x00\x01a" + welcomed),
		"it greets with nonsense":     raw("\x20\x02\xff\x77"),
		"it refuses":                  raw("\x20\x02\x00\x05"),
		"it greets twice":             raw(welcomed + welcomed),
		"it grants what nobody asked": raw(welcomed + "\x90\x12\x00\x01" + strings.Repeat("\x01", 16)),
		"it threatens with 256 MB":    raw(welcomed + "\x30\xff\xff\xff\x7f\x00\x01a" + strings.Repeat("x", 100_000)),
		"it sends garbage": func(line net.Conn) {
			garbage := make([]byte, 10_000)
			_, _ = rand.Read(garbage)
			_, _ = line.Write(append([]byte(welcomed), garbage...))
		},
		"it confirms nothing": func(line net.Conn) {
			obliging(line, true, func(p packets.ControlPacket) bool { _, is := p.(*packets.PublishPacket); return is })
		},
		"it confirms something else": func(line net.Conn) {
			obliging(line, false, func(p packets.ControlPacket) bool {
				if published, ok := p.(*packets.PublishPacket); ok {
					published.MessageID += 1000
				}
				return false
			})
		},
		"it confirms no subscription": func(line net.Conn) {
			obliging(line, false, func(p packets.ControlPacket) bool { _, is := p.(*packets.SubscribePacket); return is })
		},
		"it sends what was never subscribed": func(line net.Conn) {
			obliging(line, false, func(p packets.ControlPacket) bool {
				_, published := p.(*packets.PublishPacket)
				if published {
					_, _ = line.Write([]byte("\x32\x09\x00\x05a/b/c\x00\x01" + "\x32\x07\x00\x03\xff\xfe/\x00\x02"))
				}
				return published
			})
		},
	}
	for what, lie := range lies {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			survives(t, 2, lie)
		})
	}
}

// A session that is not there any more is no reason not to subscribe, and one
// that is said to be there is no reason to rely on it.
func TestSessionPresent(t *testing.T) {
	for _, present := range []bool{false, true} {
		var mu sync.Mutex
		var subscribed []string
		l := newLiar(t, func(_ int, line net.Conn) {
			obliging(line, present, func(packet packets.ControlPacket) bool {
				mu.Lock()
				defer mu.Unlock()
				switch p := packet.(type) {
				case *packets.SubscribePacket:
					subscribed = append(subscribed, p.Topics...)
				case *packets.ConnectPacket:
					if p.CleanSession || p.ProtocolVersion != 4 || p.ClientIdentifier != station || !p.WillRetain || p.WillQos != 1 {
						t.Errorf("the station connects with %+v", p)
					}
				}
				return false
			})
		})
		b := &bench{T: t, store: newStore(), desk: &desk{}, log: &logged{}, config: quick(l.url())}
		b.start()
		b.online()
		mu.Lock()
		if len(subscribed) != 3 {
			t.Errorf("session present %v: subscribed to %v", present, subscribed)
		}
		mu.Unlock()
		if got := b.link.Status().SessionPresent; got != present {
			t.Errorf("session present: %v, want %v", got, present)
		}
		b.stop()
	}
}

// A broker that stops reading does not hold the station up for ever.
func TestBrokerThatStopsReading(t *testing.T) {
	stopped := make(chan struct{})
	defer close(stopped)
	l := newLiar(t, func(number int, line net.Conn) {
		if number > 1 {
			obliging(line, false, nil)
			return
		}
		obliging(line, false, func(packet packets.ControlPacket) bool {
			if p, ok := packet.(*packets.PublishPacket); ok && strings.HasSuffix(p.TopicName, "/events") {
				<-stopped
			}
			return false
		})
	})
	b := &bench{T: t, store: newStore(), desk: &desk{}, log: &logged{}, config: quick(l.url())}
	b.config.AckTimeout = 200 * time.Millisecond
	for range 20 {
		b.store.write(string(bytes.Repeat([]byte{'x'}, 300_000)))
	}
	b.start()
	eventually(t, "the outbox is empty", func() bool { return b.store.waiting() == 0 })
}

// A letter that no connection outlives shows.
func TestLetterThatIsHeld(t *testing.T) {
	l := newLiar(t, func(_ int, line net.Conn) {
		obliging(line, false, func(packet packets.ControlPacket) bool {
			if p, ok := packet.(*packets.PublishPacket); ok && strings.Contains(string(p.Payload), "poison") {
				_ = line.Close()
			}
			return false
		})
	})
	b := &bench{T: t, store: newStore(), desk: &desk{}, log: &logged{}, config: quick(l.url())}
	b.store.write("fine")
	b.store.write("poison")
	b.start()
	eventually(t, "the letter shows", func() bool { s := b.link.Status(); return s.Held == 2 && s.Tries >= 3 })
}
