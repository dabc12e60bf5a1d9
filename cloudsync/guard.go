package cloudsync

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// A guard stands between the broker and the MQTT library. The library takes a
// packet's word for its length, and some answers that no honest broker gives
// make it panic. The guard lets through only what a station can be sent, ends
// the connection over anything else, and cuts packets that are too long: what
// is over is read and forgotten, so that the request can still be refused and
// acknowledged.
//
// It also bounds how long a write may take, which the library does for some
// packets only.
type guard struct {
	net.Conn
	in         *bufio.Reader
	longest    int // bytes of a packet behind its fixed header
	writeLimit time.Duration
	writing    sync.Mutex

	greeted bool   // the CONNACK has come
	head    []byte // of the current packet, not yet read
	pass    int    // bytes of the current packet that are still to pass
	drop    int    // bytes behind them to forget
}

// topicRoom is what a packet may have beside its payload: topic, packet id.
const topicRoom = 1024

func newGuard(conn net.Conn, maxPayload int, writeLimit time.Duration) *guard {
	return &guard{Conn: conn, in: bufio.NewReader(conn), longest: maxPayload + topicRoom, writeLimit: writeLimit}
}

// Read gives the next bytes of packets that are let through.
func (g *guard) Read(p []byte) (int, error) {
	for len(p) > 0 {
		switch {
		case len(g.head) > 0:
			n := copy(p, g.head)
			g.head = g.head[n:]
			return n, nil
		case g.pass > 0:
			n, err := g.in.Read(p[:min(len(p), g.pass)])
			g.pass -= n
			return n, err
		case g.drop > 0:
			n, err := g.in.Discard(g.drop)
			g.drop -= n
			if err != nil {
				return 0, err
			}
		default:
			if err := g.next(); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// next reads a fixed header, and decides about the packet behind it.
func (g *guard) next() error {
	first, err := g.in.ReadByte()
	if err != nil {
		return err
	}
	length, err := readLength(g.in)
	if err != nil {
		return err
	}
	if err := g.allow(first, length); err != nil {
		return fmt.Errorf("the broker breaks the protocol: %w", err)
	}
	g.pass = min(length, g.longest)
	g.drop = length - g.pass
	g.head = appendLength([]byte{first}, g.pass)
	return nil
}

// bodies are the packets that a station is sent, with the length that each has
// behind its fixed header. It subscribes to one filter at a time and never asks
// for QoS 2. MQTT 3.1.1, sections 3.2, 3.4, 3.9, 3.11 and 3.13.
var bodies = map[byte]int{
	packets.Connack:  2,
	packets.Puback:   2,
	packets.Suback:   3,
	packets.Unsuback: 2,
	packets.Pingresp: 0,
}

// allow refuses packets that a station cannot be sent.
func (g *guard) allow(first byte, length int) error {
	kind, flags := first>>4, first&0x0F
	if (kind == packets.Connack) == g.greeted {
		return fmt.Errorf("packet of type %d at the wrong time", kind)
	}
	if kind == packets.Publish {
		return allowPublish(flags, length)
	}
	if want, ok := bodies[kind]; !ok || flags != 0 || length != want {
		return fmt.Errorf("packet of type %d, flags %04b and %d bytes", kind, flags, length)
	}
	if kind == packets.Connack {
		return g.greet()
	}
	return nil
}

// greet refuses a CONNACK whose code the library would take for a welcome.
func (g *guard) greet() error {
	g.greeted = true
	body, err := g.in.Peek(bodies[packets.Connack])
	if err == nil && body[1] > packets.ErrRefusedNotAuthorised {
		err = fmt.Errorf("CONNACK with code %d", body[1])
	}
	return err
}

func allowPublish(flags byte, length int) error {
	qos := flags >> 1 & 3
	if qos > 1 {
		return fmt.Errorf("message of QoS %d", qos)
	}
	if shortest := 2 + 2*int(qos); length < shortest {
		return fmt.Errorf("message of %d bytes", length)
	}
	return nil
}

// readLength reads a remaining length: MQTT 3.1.1, section 2.2.3.
func readLength(in io.ByteReader) (int, error) {
	length := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		length |= int(b&0x7F) << shift
		if b < 0x80 {
			return length, nil
		}
	}
	return 0, fmt.Errorf("the broker breaks the protocol: length of more than four bytes")
}

func appendLength(to []byte, length int) []byte {
	for length >= 0x80 {
		to = append(to, byte(length)|0x80)
		length >>= 7
	}
	return append(to, byte(length))
}

// Write sends p within the limit.
func (g *guard) Write(p []byte) (int, error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	if err := g.Conn.SetWriteDeadline(time.Now().Add(g.writeLimit)); err != nil {
		return 0, err
	}
	return g.Conn.Write(p)
}

// SetWriteDeadline does nothing: Write keeps its own.
func (g *guard) SetWriteDeadline(time.Time) error { return nil }

var _ net.Conn = (*guard)(nil)
