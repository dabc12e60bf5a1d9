package virtualduo

import (
	"context"
	"errors"
	"testing"
	"time"
)

// host is a DFU host for tests: it knows the protocol no better than it must.
type host struct {
	t   *testing.T
	usb *USB
}

func dfuHost(t *testing.T, b *Board) host {
	t.Helper()
	gesture(b, 3400*time.Millisecond)
	attached, ok := b.Attached()
	if !ok || attached.Product != productDFU {
		t.Fatalf("not in DFU: %+v", attached)
	}
	usb, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	return host{t, usb}
}

func (h host) out(request uint8, value uint16, data []byte) error {
	_, err := h.usb.Control(context.Background(), classToInterface, request, value, 0, data)
	return err
}

func (h host) in(request uint8, value uint16, length int) ([]byte, error) {
	data := make([]byte, length)
	n, err := h.usb.Control(context.Background(), classFromInterf, request, value, 0, data)
	return data[:n], err
}

func (h host) status() ([]byte, error) { return h.in(dfuGetStatus, 0, 6) }

// run downloads a block and asks for the status until it is done.
func (h host) run(block uint16, data []byte) error {
	h.t.Helper()
	if err := h.out(dfuDownload, block, data); err != nil {
		return err
	}
	_, failed := h.status()
	if done, err := h.status(); err != nil || done[4] != stateDownloadIdle {
		h.t.Fatalf("after block %d: %x, %v", block, done, err)
	}
	return failed
}

func (h host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h host) alt(alt uint8) { h.t.Helper(); h.must(h.usb.SelectAlt(context.Background(), alt)) }

func pointer(command byte, address uint32) []byte {
	return []byte{command, byte(address), byte(address >> 8), byte(address >> 16), byte(address >> 24)}
}

func (h host) setAddress(address uint32) {
	h.t.Helper()
	h.must(h.run(0, pointer(commandSetAddress, address)))
}

func (h host) read(alt uint8, address uint32, length int) []byte {
	h.t.Helper()
	h.alt(alt)
	h.setAddress(address)
	h.must(h.out(dfuAbort, 0, nil))
	data, err := h.in(dfuUpload, firstDataBlock, length)
	h.must(err)
	h.must(h.out(dfuAbort, 0, nil))
	return data
}

func (h host) write(alt uint8, address uint32, data []byte) error {
	h.t.Helper()
	h.alt(alt)
	h.setAddress(address)
	return h.run(firstDataBlock, data)
}

// writeAll erases the sector at address and writes data in blocks.
func (h host) writeAll(alt uint8, address uint32, data []byte) {
	h.t.Helper()
	h.erase(alt, address)
	for len(data) > 0 {
		size := min(transferSize, len(data))
		h.must(h.write(alt, address, data[:size]))
		address, data = address+uint32(size), data[size:]
	}
}

func (h host) erase(alt uint8, address uint32) {
	h.t.Helper()
	h.alt(alt)
	h.must(h.run(0, pointer(commandErase, address)))
}

func (h host) stateIs(want byte) {
	h.t.Helper()
	if got, err := h.in(dfuGetState, 0, 1); err != nil || got[0] != want {
		h.t.Errorf("state %d, %v, want %d", got, err, want)
	}
}

// stalls says whether an error is a stall.
func stalls(err error) bool {
	var stall interface{ Stalled() bool }
	return errors.As(err, &stall) && stall.Stalled()
}

// isGone says whether an error means that the board has left the bus.
func isGone(err error) bool {
	var gone interface{ Gone() bool }
	return errors.As(err, &gone) && gone.Gone()
}
