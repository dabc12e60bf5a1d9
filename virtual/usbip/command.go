package usbip

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The commands and replies of an imported device.
const (
	commandSubmit = 1
	commandUnlink = 2
	replySubmit   = 3
	replyUnlink   = 4
)

// headerSize is that of each command and each reply, without data.
const headerSize = 48

// longestTransfer is as much as goes over in one transfer; a control transfer
// cannot be longer, and the console needs less.
const longestTransfer = 64 << 10

// Results of a transfer, which are error numbers of Linux.
const (
	statusOK         int32 = 0
	statusInvalid    int32 = -22  // EINVAL: the transfer makes no sense
	statusStalled    int32 = -32  // EPIPE: the device refused it
	statusProtocol   int32 = -71  // EPROTO: it failed on the wire
	statusUnlinked   int32 = -104 // ECONNRESET: the host took it back
	statusNoDevice   int32 = -108 // ESHUTDOWN: the device has left the bus
	statusShortRead  int32 = -121 // EREMOTEIO: the host wanted all or nothing
	flagShortNotOkay       = 1
)

// command is what a host asks of a device.
type command struct {
	kind, number, device uint32
	// unlink is the number of the submission to take back.
	unlink uint32
	submission
}

// submission is one transfer (an URB, a USB request block).
type submission struct {
	in       bool
	endpoint uint8 // without the bit of direction
	flags    uint32
	length   int // of the host's buffer, 0 to longestTransfer
	setup    [8]byte
	data     []byte // to the device
}

// readCommand reads one command. What comes is not trusted: every length has
// a bound, and what is not understood is an error, after which nothing more
// can be read.
func readCommand(r io.Reader) (command, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return command{}, fmt.Errorf("read a command: %w", err)
	}
	c := command{kind: word(header[:], 0), number: word(header[:], 4), device: word(header[:], 8)}
	switch c.kind {
	case commandUnlink:
		c.unlink = word(header[:], 20)
		return c, nil
	case commandSubmit:
		var err error
		c.submission, err = readSubmission(header[:], r)
		return c, err
	default:
		return command{}, fmt.Errorf("there is no command %d", c.kind)
	}
}

func readSubmission(header []byte, r io.Reader) (submission, error) {
	direction, endpoint := word(header, 12), word(header, 16)
	length, packets := word(header, 24), word(header, 32)
	switch {
	case direction > 1 || endpoint > 15:
		return submission{}, fmt.Errorf("there is no endpoint %d of direction %d", endpoint, direction)
	case length > longestTransfer:
		return submission{}, fmt.Errorf("a transfer of %d bytes is too long", length)
	case packets != 0 && packets != 0xFFFFFFFF:
		return submission{}, fmt.Errorf("a transfer of %d isochronous packets: no board has such an endpoint", packets)
	}
	s := submission{
		in: direction == 1, endpoint: uint8(endpoint), flags: word(header, 20),
		length: int(length), setup: [8]byte(header[40:48]),
	}
	if s.in {
		return s, nil
	}
	s.data = make([]byte, length)
	if _, err := io.ReadFull(r, s.data); err != nil {
		return submission{}, fmt.Errorf("read the data of a transfer: %w", err)
	}
	return s, nil
}

func word(header []byte, at int) uint32 { return binary.BigEndian.Uint32(header[at:]) }

// outcome is how a transfer ended.
type outcome struct {
	status int32
	moved  int    // bytes, either way
	data   []byte // from the device, moved bytes
	// unlinked: the host took it back before it had ended.
	unlinked bool
}

// submitReply is the end of the submission with that number.
func submitReply(number uint32, o outcome) []byte {
	reply := reply(replySubmit, number, o.status)
	binary.BigEndian.PutUint32(reply[24:], uint32(o.moved))
	return append(reply, o.data...)
}

// unlinkReply is the end of the unlink command with that number.
func unlinkReply(number uint32, status int32) []byte { return reply(replyUnlink, number, status) }

func reply(kind, number uint32, status int32) []byte {
	header := make([]byte, headerSize)
	binary.BigEndian.PutUint32(header[0:], kind)
	binary.BigEndian.PutUint32(header[4:], number)
	binary.BigEndian.PutUint32(header[20:], uint32(status))
	return header
}
