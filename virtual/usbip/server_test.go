package usbip

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	virtualduo "duogateway/virtual/duo"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// asked is a connection to a server, which answers in another goroutine.
func asked(t *testing.T, s *Server, request []byte) net.Conn {
	t.Helper()
	ours, theirs := newPipe(t)
	answered := make(chan struct{})
	go func() { defer close(answered); s.answer(context.Background(), theirs) }()
	t.Cleanup(func() { _ = ours.Close(); <-answered })
	if _, err := ours.Write(request); err != nil {
		t.Fatal(err)
	}
	return ours
}

// Boards that can be had are listed, in the form of the protocol's documentation.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := virtualduo.New(virtualduo.Config{})
		defer off.Close()
		s := &Server{Log: quiet()}
		for id, board := range map[string]*virtualduo.Board{"1-1": inDFU(t, virtualduo.BootloaderR6()), "1-3": off} {
			p, err := NewPlug(board, id)
			if err != nil {
				t.Fatal(err)
			}
			s.Plugs = append(s.Plugs, p)
		}
		list, err := io.ReadAll(asked(t, s, head(requestList, 0)))
		if err != nil || len(list) != 12+descriptionSize+4 {
			t.Fatalf("%d bytes, %v", len(list), err)
		}
		if got := hex.EncodeToString(list[:12]); got != "0111000500000000"+"00000001" {
			t.Errorf("head %s", got)
		}
		want := "00000001" + "00000002" + "00000002" + // bus, device, full speed
			"2b04d0580250" + "000000" + "010101" + "fe010200"
		if got := hex.EncodeToString(list[12+256+32:]); got != want {
			t.Errorf("description %s\nwant %s", got, want)
		}
		if path, id := string(list[12:12+20]), string(list[268:272]); !strings.HasPrefix(path, "/sys/devices/") || id != "1-1\x00" {
			t.Errorf("path %q, bus id %q", path, id)
		}
	})
}

// A board goes to one host at a time, and only while it is on the bus.
func TestImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := running(t)
		s := &Server{Plugs: []*Plug{plug(t, board)}, Log: quiet()}
		ask := func(id string) (net.Conn, uint32, error) {
			conn := asked(t, s, importRequest(id))
			device, err := readImportReply(conn)
			return conn, device, err
		}
		if _, _, err := ask("1-2"); !errors.Is(err, errNotThere) {
			t.Errorf("a bus id without a board: %v", err)
		}
		conn, device, err := ask("1-1")
		if err != nil || device != 0x10002 {
			t.Fatalf("%#x, %v", device, err)
		}
		if _, _, err := ask("1-1"); !errors.Is(err, errTaken) {
			t.Errorf("a board that is taken: %v", err)
		}
		if list, err := io.ReadAll(asked(t, s, head(requestList, 0))); err != nil || len(list) != 12 {
			t.Errorf("the list has %d bytes, %v", len(list), err)
		}
		h := newHost(conn, device)
		if n, err := h.Control(t.Context(), 0x80, 6, 0x100, 0, make([]byte, 18)); n != 18 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		board.PowerOff()
		<-h.ended
		if _, _, err := ask("1-1"); !errors.Is(err, errNotThere) {
			t.Errorf("a board without power: %v", err)
		}
		board.PowerOn()
		time.Sleep(2 * time.Second)
		if _, _, err := ask("1-1"); err != nil {
			t.Errorf("a board that is back: %v", err)
		}
	})
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Log: quiet()}
		for _, request := range [][]byte{{1, 6, 0x80, 5, 0, 0, 0, 0}, {1, 0x11, 0x80, 7, 0, 0, 0, 0}, {1, 0x11}} {
			begun := time.Now()
			if reply, err := io.ReadAll(asked(t, s, request)); err != nil || len(reply) > 0 || time.Since(begun) > requestPatience {
				t.Errorf("%x: %x, %v after %v", request, reply, err, time.Since(begun))
			}
		}
	})
}

func TestRepliesThatMakeNoSense(t *testing.T) {
	for want, reply := range map[string][]byte{
		"read the reply":       {1, 0x11},
		"no reply":             head(replyList, 0),
		"result 5":             head(replyImport, 5),
		"read the description": head(replyImport, resultOK),
	} {
		if _, err := readImportReply(bytes.NewReader(reply)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%x: %v, want %q", reply, err, want)
		}
	}
}
