package virtualduo

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a scenario with a board that is taken off at its end.
func inBubble(t *testing.T, config Config, scenario func(t *testing.T, b *Board)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := New(config)
		defer b.Close()
		scenario(t, b)
	})
}

// keyed gives the board a key and the marks of an earlier life.
func keyed(t *testing.T, b *Board) []byte {
	t.Helper()
	key := GenerateKey(4711)
	if err := errors.Join(b.InstallKey(key), b.Commission()); err != nil {
		t.Fatal(err)
	}
	return key
}

// gesture powers the board with SETUP held for a time from the start.
func gesture(b *Board, held time.Duration) {
	b.SetSetup(true)
	b.PowerOn()
	b.SetReset(true)
	time.Sleep(20 * time.Millisecond)
	b.SetReset(false)
	time.Sleep(held)
	b.SetSetup(false)
	time.Sleep(50 * time.Millisecond)
}

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

func TestScenario1ReadsAValidKey(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		got := dfuHost(t, b).read(altDCT, privateKeyOffset, len(key))
		if !bytes.Equal(got, key) {
			t.Error("the key that was read is another one")
		}
		if b.FirmwareFingerprint() == "" {
			t.Error("the firmware cannot use the key")
		}
	})
}
