package usbip

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	virtualduo "duogateway/virtual/duo"
)

// protocolVersion is 1.1.1 in the head of requests for a server.
const protocolVersion = 0x0111

// Requests for a server, which is asked before a device is imported, and the
// replies.
const (
	requestList   = 0x8005
	requestImport = 0x8003
	replyList     = 0x0005
	replyImport   = 0x0003
)

// The results of a request (Linux tools/usb/usbip/libsrc/usbip_common.h).
const (
	resultOK   = 0
	resultBusy = 2 // another host has it
	resultNone = 4 // it is not on the bus
)

// Sizes of the parts of requests and replies.
const (
	requestSize     = 8
	busIDSize       = 32
	descriptionSize = 312
)

// readRequest reads the head of a request and, for an import, the bus id.
func readRequest(r io.Reader) (code uint16, busID string, err error) {
	var head [requestSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", fmt.Errorf("read a request: %w", err)
	}
	version, code := binary.BigEndian.Uint16(head[0:]), binary.BigEndian.Uint16(head[2:])
	switch {
	case version != protocolVersion:
		return 0, "", fmt.Errorf("a request of version %#04x, not %#04x", version, protocolVersion)
	case code == requestList:
		return code, "", nil
	case code != requestImport:
		return 0, "", fmt.Errorf("there is no request %#04x", code)
	}
	var id [busIDSize]byte
	if _, err := io.ReadFull(r, id[:]); err != nil {
		return 0, "", fmt.Errorf("read a bus id: %w", err)
	}
	name, _, _ := bytes.Cut(id[:], []byte{0})
	return code, string(name), nil
}

// head is the beginning of a request or reply.
func head(code uint16, result uint32) []byte {
	out := binary.BigEndian.AppendUint16(nil, protocolVersion)
	out = binary.BigEndian.AppendUint16(out, code)
	return binary.BigEndian.AppendUint32(out, result)
}

// importRequest asks for the device at a bus id of up to 31 characters.
func importRequest(busID string) []byte {
	return append(head(requestImport, 0), field(busID, busIDSize)...)
}

// readImportReply returns the number by which the server knows the device.
func readImportReply(r io.Reader) (device uint32, err error) {
	var reply [requestSize]byte
	if _, err := io.ReadFull(r, reply[:]); err != nil {
		return 0, fmt.Errorf("read the reply to an import: %w", err)
	}
	version, code := binary.BigEndian.Uint16(reply[0:]), binary.BigEndian.Uint16(reply[2:])
	result := word(reply[:], 4)
	switch {
	case version != protocolVersion || code != replyImport:
		return 0, fmt.Errorf("%x is no reply to an import", reply)
	case result == resultNone:
		return 0, errNotThere
	case result == resultBusy:
		return 0, errTaken
	case result != resultOK:
		return 0, fmt.Errorf("the server refuses the import, result %d", result)
	}
	var description [descriptionSize]byte
	if _, err := io.ReadFull(r, description[:]); err != nil {
		return 0, fmt.Errorf("read the description of a device: %w", err)
	}
	return word(description[:], 288)<<16 | word(description[:], 292)&0xFFFF, nil
}

var (
	errNotThere = errors.New("the board is not on the bus")
	errTaken    = errors.New("another host has the board")
)

// field is text in a field of fixed size, with zeros behind it.
func field(text string, size int) []byte {
	out := make([]byte, size)
	copy(out[:size-1], text)
	return out
}

// describe is what a server says of a device before it is imported, and the
// class, subclass and protocol of each interface.
func (p *Plug) describe(ctx context.Context, board *virtualduo.USB) (description []byte, interfaces [][3]byte, err error) {
	device := make([]byte, 18)
	if err := descriptor(ctx, board, 1, device); err != nil {
		return nil, nil, err
	}
	configuration := make([]byte, 9)
	if err := descriptor(ctx, board, 2, configuration); err != nil {
		return nil, nil, err
	}
	whole := make([]byte, max(9, int(binary.LittleEndian.Uint16(configuration[2:]))))
	if err := descriptor(ctx, board, 2, whole); err != nil {
		return nil, nil, err
	}
	out := field("/sys/devices/virtual/"+p.busID, 256)
	out = append(out, field(p.busID, busIDSize)...)
	for _, number := range []uint32{p.bus, p.device, FullSpeed} {
		out = binary.BigEndian.AppendUint32(out, number)
	}
	for _, at := range []int{8, 10, 12} { // vendor, product, release
		out = binary.BigEndian.AppendUint16(out, binary.LittleEndian.Uint16(device[at:]))
	}
	out = append(out, device[4], device[5], device[6], configuration[5], device[17], configuration[4])
	return out, interfacesOf(whole), nil
}

// descriptor asks a board for one, of the length of data.
func descriptor(ctx context.Context, board *virtualduo.USB, kind uint16, data []byte) error {
	const getDescriptor = 6
	n, err := board.Control(ctx, fromDevice, getDescriptor, kind<<8, 0, data)
	if err == nil && n < len(data) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("read descriptor %d: %w", kind, err)
	}
	return nil
}

// interfacesOf lists the interfaces of a configuration, without their
// alternate settings.
func interfacesOf(configuration []byte) (found [][3]byte) {
	for rest := configuration; len(rest) >= 2 && rest[0] >= 2 && int(rest[0]) <= len(rest); rest = rest[rest[0]:] {
		if rest[1] == 4 && rest[0] >= 9 && rest[3] == 0 {
			found = append(found, [3]byte(rest[5:8]))
		}
	}
	return found
}
