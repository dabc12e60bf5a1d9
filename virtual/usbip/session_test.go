package usbip

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	virtualduo "duogateway/virtual/duo"
)

// What a kernel asks a new device, and more.
var questions = []struct {
	requestType, request uint8
	value, index         uint16
	length               int
}{
	{0x80, 6, 0x0100, 0, 64}, {0x80, 6, 0x0100, 0, 18}, {0x80, 6, 0x0200, 0, 9}, {0x80, 6, 0x0200, 0, 255},
	{0x80, 6, 0x0300, 0, 255}, {0x80, 6, 0x0301, 0x409, 255}, {0x80, 6, 0x0302, 0x409, 255}, {0x80, 6, 0x0303, 0x409, 255},
	{0x80, 6, 0x0304, 0x409, 255}, {0x80, 6, 0x0306, 0x409, 255}, {0x80, 6, 0x0309, 0x409, 255}, {0x80, 6, 0x030A, 0x409, 255},
	{0x80, 6, 0x03EE, 0, 18}, {0xC0, 0xEE, 0, 4, 40}, {0xC1, 0xEE, 0, 5, 146},
	{0x80, 6, 0x0600, 0, 10}, {0x81, 6, 0x2100, 0, 9}, {0x80, 0, 0, 0, 2}, {0x82, 0, 0, 0x81, 2}, {0x80, 8, 0, 0, 1},
	{0x00, 9, 1, 0, 0}, {0x01, 11, 0, 0, 0}, {0x02, 1, 0, 0x81, 0}, {0x80, 6, 0x0F00, 0, 5},
}

// Every descriptor arrives byte for byte as the board gives it, and every
// refusal as a stall.
func TestEnumeration(t *testing.T) {
	for _, mode := range []string{"running", "r3", "r6"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var board *virtualduo.Board
				if loader, err := virtualduo.BootloaderByName(mode); err == nil {
					board = inDFU(t, loader)
				} else {
					board = running(t)
				}
				h := plugIn(t, plug(t, board))
				direct, err := board.Open()
				if err != nil {
					t.Fatal(err)
				}
				for _, q := range questions {
					want, got := make([]byte, q.length), make([]byte, q.length)
					n, wantErr := direct.Control(t.Context(), q.requestType, q.request, q.value, q.index, want)
					m, gotErr := h.Control(t.Context(), q.requestType, q.request, q.value, q.index, got)
					if n != m || !bytes.Equal(want, got) || (wantErr == nil) != (gotErr == nil) {
						t.Errorf("%x: %d bytes %x, %v; want %d bytes %x, %v", q, m, got, gotErr, n, want, wantErr)
					}
					if gotErr != nil && !errors.Is(gotErr, failure(statusStalled)) {
						t.Errorf("%x is refused by %v", q, gotErr)
					}
				}
			})
		})
	}
}

// erasing begins an erase of the user part and its long GETSTATUS.
func erasing(t *testing.T, h *host) *submitted {
	t.Helper()
	erase := []byte{0x41, 0x00, 0x00, 0x0C, 0x08}
	if _, err := h.Control(t.Context(), 0x21, 1, 0, 0, erase); err != nil {
		t.Fatal(err)
	}
	status := h.begin(0xA1, 3, 0, 0, make([]byte, 6))
	time.Sleep(10 * time.Millisecond)
	return status
}

// A busy board answers nothing, a host that takes its transfer back is
// answered at once, and the board finishes what it has begun.
func TestUnlinkOfABusyBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := inDFU(t, virtualduo.BootloaderR6())
		if err := board.SetFlash(0x080C0000, make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		h := plugIn(t, plug(t, board))
		running := erasing(t, h)
		queued := h.begin(0xA1, 5, 0, 0, make([]byte, 1))
		begun := time.Now()
		for _, s := range []*submitted{queued, running} {
			if status := <-h.unlink(s); status != statusUnlinked {
				t.Errorf("unlinked with %d", status)
			}
		}
		if waited := time.Since(begun); waited > time.Millisecond {
			t.Errorf("the answers took %v", waited)
		}
		state := make([]byte, 1)
		if _, err := h.Control(t.Context(), 0xA1, 5, 0, 0, state); err != nil || state[0] != 3 {
			t.Errorf("state %d, %v", state[0], err)
		}
		if time.Since(begun) < 900*time.Millisecond || board.Flash()[0xC0000] != 0xFF {
			t.Errorf("after %v the sector holds %#x", time.Since(begun), board.Flash()[0xC0000])
		}
		if len(running.ended)+len(queued.ended) > 0 {
			t.Error("a transfer that was taken back has a reply")
		}
	})
}

// An unlink that comes too late says so behind the reply.
func TestLateUnlink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plugIn(t, plug(t, inDFU(t, virtualduo.BootloaderR6())))
		s := h.begin(0xA1, 5, 0, 0, make([]byte, 1))
		if e := <-s.ended; e.status != statusOK || e.moved != 1 {
			t.Errorf("%+v", e)
		}
		if status := <-h.unlink(s); status != statusOK {
			t.Errorf("unlinked with %d", status)
		}
	})
}

// A transfer that ended while it was being taken back has its reply first, and
// then the unlink is told that it came too late.
func TestUnlinkAndEndAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := newPipe(t)
		s := &session{conn: theirs, pending: map[uint32]*request{}}
		go s.end(&request{number: 7, unlinks: []uint32{8}}, outcome{moved: 1, data: []byte{5}})
		said := make([]byte, 2*headerSize+1)
		if _, err := io.ReadFull(ours, said); err != nil {
			t.Fatal(err)
		}
		if want := append(submitReply(7, outcome{moved: 1, data: []byte{5}}), unlinkReply(8, statusOK)...); !bytes.Equal(said, want) {
			t.Errorf("said %x\nwant %x", said, want)
		}
	})
}

// A transfer in the queue that is taken back leaves the others in their order.
func TestUnlinkInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plugIn(t, plug(t, running(t)))
		read := func() *submitted { return h.submit(1, true, [8]byte{}, 64, nil) }
		for range 20 { // which of two readers is first is left to chance
			first, taken, second := read(), read(), read()
			if status := <-h.unlink(taken); status != statusUnlinked {
				t.Errorf("unlinked with %d", status)
			}
			for _, s := range []*submitted{first, second} {
				synctest.Wait()
				h.submit(1, false, [8]byte{}, 1, []byte("v"))
				synctest.Wait()
				if len(s.ended) != 1 {
					t.Fatal("the transfers overtake each other")
				}
			}
		}
	})
}

// The console's endpoints do not wait for each other.
func TestConsole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plugIn(t, plug(t, running(t)))
		notice := h.submit(3, true, [8]byte{}, 8, nil)
		reading := h.submit(1, true, [8]byte{}, 64, nil)
		time.Sleep(time.Hour)
		if e := <-h.submit(1, false, [8]byte{}, 1, []byte("v")).ended; e.status != statusOK || e.moved != 1 {
			t.Errorf("typing: %+v", e)
		}
		if e := <-reading.ended; e.status != statusOK || !strings.Contains(string(e.data), "0.3.3") {
			t.Errorf("said %q, %d", e.data, e.status)
		}
		if e := <-h.submit(2, true, [8]byte{}, 8, nil).ended; e.status != statusStalled {
			t.Errorf("an endpoint that is not there: %+v", e)
		}
		time.Sleep(time.Hour)
		if len(notice.ended) > 0 {
			t.Error("the port has interrupted")
		}
		if status := <-h.unlink(notice); status != statusUnlinked {
			t.Errorf("unlinked with %d", status)
		}
	})
}

// A host that wants all or nothing is told that a read came short.
func TestShortRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plugIn(t, plug(t, running(t)))
		o := submission{in: true, length: 18, flags: flagShortNotOkay}.outcome(t.Context(), 8, make([]byte, 18), nil)
		if o.status != statusShortRead || o.moved != 8 || len(o.data) != 8 {
			t.Errorf("%+v", o)
		}
		setup := [8]byte{0x80, 6, 0, 1, 0, 0, 64}
		if e := <-h.submit(0, true, setup, 18, nil).ended; e.status != statusInvalid {
			t.Errorf("a setup packet of another length: %+v", e)
		}
	})
}

// 14400 baud take the board off the bus: what waits ends, the connection is
// closed, and the board returns as its bootloader.
func TestLeavingTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := running(t)
		p := plug(t, board)
		h := plugIn(t, p)
		waiting := []*submitted{h.submit(3, true, [8]byte{}, 8, nil), h.submit(1, true, [8]byte{}, 64, nil)}
		coding := binary.LittleEndian.AppendUint32(nil, 14400)
		if _, err := h.Control(t.Context(), 0x21, 0x20, 0, 0, append(coding, 0, 0, 8)); err != nil {
			t.Fatal(err)
		}
		for _, s := range waiting {
			if e := <-s.ended; e.status != statusNoDevice {
				t.Errorf("%+v", e)
			}
		}
		<-h.ended
		if err := <-h.served; err != nil {
			t.Errorf("served: %v", err)
		}
		if attached, err := p.await(t.Context(), 1); err != nil || attached.Product != 0xD058 {
			t.Errorf("%+v, %v", attached, err)
		}
	})
}

// A board finishes its work also when the host is lost in the middle of it.
func TestHostIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := inDFU(t, virtualduo.BootloaderR6())
		if err := board.SetFlash(0x080C0000, make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		h := plugIn(t, plug(t, board))
		_ = erasing(t, h)
		if err := h.conn.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-h.served; !errors.Is(err, errHostGone) {
			t.Errorf("served: %v", err)
		}
		time.Sleep(2 * time.Second)
		if board.Flash()[0xC0000] != 0xFF {
			t.Error("the sector is not erased")
		}
	})
}

// A host that does not keep the protocol is left.
func TestUnruly(t *testing.T) {
	for name, break1 := range map[string]func(h *host){
		"another device": func(h *host) { h.device++; h.submit(3, true, [8]byte{}, 8, nil) },
		"the same number twice": func(h *host) {
			h.submit(3, true, [8]byte{}, 8, nil)
			h.number--
			h.submit(3, true, [8]byte{}, 8, nil)
		},
		"too many transfers": func(h *host) {
			for range mostPending + 1 {
				h.submit(3, true, [8]byte{}, 8, nil)
			}
		},
		"nonsense": func(h *host) { _, _ = h.conn.Write(make([]byte, headerSize)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := plugIn(t, plug(t, running(t)))
				break1(h)
				if err := <-h.served; err == nil || errors.Is(err, errHostGone) {
					t.Errorf("served: %v", err)
				}
			})
		})
	}
}

func TestServingEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plug(t, running(t))
		attached, _ := p.board.Attached()
		ctx, cancel := context.WithCancel(t.Context())
		ours, theirs := newPipe(t)
		served := make(chan error)
		go func() { served <- p.serve(ctx, theirs, attached) }()
		h := newHost(ours, p.number())
		h.submit(3, true, [8]byte{}, 8, nil)
		cancel()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Errorf("served: %v", err)
		}
		<-h.ended
	})
}

func TestBusIDs(t *testing.T) {
	for _, id := range []string{"", "1", "1-", "-1", "0-1", "1-0", "1-127", "1-1.1", "01-1", "1-1x", "65536-1", "a-b"} {
		if p, err := NewPlug(virtualduo.New(virtualduo.Config{}), id); err == nil {
			t.Errorf("%q is %+v", id, p)
		}
	}
	if p, err := NewPlug(virtualduo.New(virtualduo.Config{}), "3-2"); err != nil || p.number() != 0x30003 {
		t.Errorf("%+v, %v", p, err)
	}
}
