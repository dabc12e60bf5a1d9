package cloudsync

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// line is a connection that only reads.
type line struct {
	net.Conn
	io.Reader
}

func (l line) Read(p []byte) (int, error) { return l.Reader.Read(p) }

const welcome = "20020000"

func guarded(t testing.TB, text string, maxPayload int) *guard {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return newGuard(line{Reader: iotest.OneByteReader(bytes.NewReader(raw))}, maxPayload, time.Second)
}

// What no broker may send ends the connection; the rest passes as it is.
func TestGuard(t *testing.T) {
	cases := []struct {
		what, text string
		pass       bool
	}{
		{"CONNACK", welcome, true},
		{"CONNACK, session present", "20020100", true},
		{"CONNACK, not authorised", "20020005", true},
		{"CONNACK with an unknown code", "2002004d", false},
		{"CONNACK too short", "200100", false},
		{"CONNACK too long", "2003000000", false},
		{"CONNACK twice", welcome + welcome, false},
		{"PUBACK before CONNACK", "40020001", false},
		{"PUBLISH before CONNACK", "3003000161", false},
		{"PUBACK", welcome + "40020001", true},
		{"PUBACK too long", welcome + "4003000100", false},
		{"SUBACK", welcome + "9003000101", true},
		{"SUBACK, refused", welcome + "9003000180", true},
		{"SUBACK for more than was asked", welcome + "900400010101", false},
		{"SUBACK for nothing", welcome + "90020001", false},
		{"UNSUBACK", welcome + "b0020001", true},
		{"PINGRESP", welcome + "d000", true},
		{"PINGRESP with something in it", welcome + "d00100", false},
		{"PINGRESP with flags", welcome + "d100", false},
		{"PUBLISH of QoS 0", welcome + "3004000161ff", true},
		{"PUBLISH of QoS 1", welcome + "32050001610001", true},
		{"PUBLISH of QoS 1, again and retained", welcome + "3b050001610001", true},
		{"PUBLISH of QoS 2", welcome + "34050001610001", false},
		{"PUBLISH of QoS 3", welcome + "36050001610001", false},
		{"PUBLISH without a topic", welcome + "300100", false},
		{"PUBLISH without an id", welcome + "3203000161", false},
		{"PUBREC", welcome + "50020001", false},
		{"PUBREL", welcome + "62020001", false},
		{"PUBCOMP", welcome + "70020001", false},
		{"CONNECT", welcome + "1000", false},
		{"SUBSCRIBE", welcome + "8200", false},
		{"PINGREQ", welcome + "c000", false},
		{"DISCONNECT", welcome + "e000", false},
		{"a packet of type 0", welcome + "0000", false},
		{"a packet of type 15", welcome + "f000", false},
		{"a length of five bytes", welcome + "30ffffffff01", false},
	}
	for _, c := range cases {
		g := guarded(t, c.text, 100)
		got, err := io.ReadAll(g)
		if c.pass && (err != nil || hex.EncodeToString(got) != c.text) {
			t.Errorf("%s: %x, %v, want it as it is", c.what, got, err)
		}
		if !c.pass && (err == nil || !strings.Contains(err.Error(), "breaks the protocol")) {
			t.Errorf("%s: %x, %v, want a refusal", c.what, got, err)
		}
	}
}

// A message that is too long is cut; the one behind it is whole.
func TestGuardCutsLongMessages(t *testing.T) {
	long := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	long.Qos, long.MessageID, long.TopicName = 1, 7, "a"
	long.Payload = bytes.Repeat([]byte{'x'}, 3_000_000)
	short := packets.NewControlPacket(packets.Pingresp)
	var text bytes.Buffer
	text.Write([]byte{0x20, 2, 0, 0})
	if err := errors.Join(long.Write(&text), short.Write(&text)); err != nil {
		t.Fatal(err)
	}
	g := newGuard(line{Reader: &text}, 100, time.Second)
	for i, want := range []any{&packets.ConnackPacket{}, &packets.PublishPacket{}, &packets.PingrespPacket{}} {
		packet, err := packets.ReadPacket(g)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		switch p := packet.(type) {
		case *packets.PublishPacket:
			if p.MessageID != 7 || p.TopicName != "a" || len(p.Payload) <= 100 || len(p.Payload) > 100+topicRoom {
				t.Errorf("a message with %d bytes, id %d, topic %q", len(p.Payload), p.MessageID, p.TopicName)
			}
		default:
			if _, ok := want.(*packets.PublishPacket); ok {
				t.Errorf("packet %d is %T", i, p)
			}
		}
	}
}

// A write that is not taken ends in time.
func TestGuardBoundsWrites(t *testing.T) {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	g := newGuard(ours, 100, 10*time.Millisecond)
	if err := g.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the write ended with %v", err)
	}
}

// Whatever a broker sends, what passes is made of packets that the library can
// read, and no longer than allowed.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{welcome, welcome + "900400010101", welcome + "34050001610001", welcome + "32ff7f000161", welcome + "d000d000"} {
		raw, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	const maxPayload = 50
	f.Fuzz(func(t *testing.T, text []byte) {
		g := newGuard(line{Reader: bytes.NewReader(text)}, maxPayload, time.Second)
		for {
			packet, err := packets.ReadPacket(g)
			if err != nil {
				return
			}
			switch p := packet.(type) {
			case *packets.SubackPacket:
				if len(p.ReturnCodes) != 1 {
					t.Fatalf("a SUBACK with %d codes passes", len(p.ReturnCodes))
				}
			case *packets.PublishPacket:
				if len(p.Payload) > maxPayload+topicRoom || p.Qos > 1 {
					t.Fatalf("a message of %d bytes with QoS %d passes", len(p.Payload), p.Qos)
				}
			case *packets.ConnackPacket:
				if p.ReturnCode > 5 {
					t.Fatalf("a CONNACK with code %d passes", p.ReturnCode)
				}
			case *packets.PubackPacket, *packets.UnsubackPacket, *packets.PingrespPacket:
			default:
				t.Fatalf("a %T passes", packet)
			}
		}
	})
}
