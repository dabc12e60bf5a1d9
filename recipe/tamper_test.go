package recipe

import (
	"bytes"
	"context"
	"encoding/binary"

	"duogateway/dfu"
)

// Requests of DFU, and how its data blocks are addressed.
const (
	reqDownload = 1
	reqUpload   = 2
	firstBlock  = 2
	blockSize   = 4096
)

// fault is an error of a transport.
type fault struct{ stalled, gone bool }

func (f fault) Error() string { return "made by the test" }
func (f fault) Stalled() bool { return f.stalled }
func (f fault) Gone() bool    { return f.gone }

// tamper is a transport that a test may disturb.
type tamper struct {
	dfu.Transport
	alt     uint8
	pointer uint32

	// upload may change what was read at an address, and download what is
	// about to be written there; an error is that of the transfer.
	upload   func(alt uint8, address uint32, data []byte) error
	download func(alt uint8, address uint32, data []byte) error
}

func (t *tamper) SelectAlt(ctx context.Context, alt uint8) error {
	t.alt = alt
	return t.Transport.SelectAlt(ctx, alt)
}

func (t *tamper) Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	class := requestType&0x60 == 0x20
	address := t.pointer + uint32(value-firstBlock)*blockSize
	if class && request == reqDownload && value == 0 && len(data) == 5 {
		t.pointer = binary.LittleEndian.Uint32(data[1:])
	}
	if class && request == reqDownload && value >= firstBlock && len(data) > 0 && t.download != nil {
		data = bytes.Clone(data)
		if err := t.download(t.alt, address, data); err != nil {
			return 0, err
		}
	}
	n, err := t.Transport.Control(ctx, requestType, request, value, index, data)
	if err == nil && class && request == reqUpload && value >= firstBlock && t.upload != nil {
		err = t.upload(t.alt, address, data[:n])
	}
	return n, err
}
