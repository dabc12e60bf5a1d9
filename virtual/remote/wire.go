package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	virtualduo "duogateway/virtual/duo"
)

// The protocol: one JSON value a line, a reply for each request. The first
// request decides what a connection is: a USB handle, a pin, the presses, or
// else a control connection.

// do is what a request asks for.
type do string

const (
	doOpenUSB   do = "open-usb"
	doControl   do = "control"
	doBulk      do = "bulk"
	doOpenPin   do = "open-pin"
	doLow       do = "low"
	doHigh      do = "high"
	doInput     do = "input"
	doClose     do = "close"
	doPresses   do = "presses"
	doDevices   do = "devices"
	doPress     do = "press"
	doNote      do = "note"
	doEvents    do = "events"
	doBoard     do = "board"
	doUnplug    do = "unplug"
	doPlug      do = "plug"
	doPowerCut  do = "power-cut"
	doDumpFlash do = "dump-flash"
	doWriteDCT  do = "write-dct"
	doFaults    do = "faults"
	doOwnFaults do = "own-faults"
	doDropHub   do = "drop-hub"
)

type request struct {
	Do       do            `json:"do"`
	Device   *Device       `json:"device,omitempty"`
	Transfer *transfer     `json:"transfer,omitempty"`
	Bulk     *bulk         `json:"bulk,omitempty"`
	Name     string        `json:"name,omitempty"` // of a bay or a pin
	Held     time.Duration `json:"held,omitempty"`
	Text     string        `json:"text,omitempty"`
	Offset   int           `json:"offset,omitempty"`
	Data     []byte        `json:"data,omitempty"`

	Faults    *virtualduo.Faults `json:"faults,omitempty"`
	OwnFaults *Faults            `json:"own_faults,omitempty"`
}

// transfer is a control transfer. For a read only the length of the data
// goes over; for a write the data itself.
type transfer struct {
	Type    uint8  `json:"type"`
	Request uint8  `json:"request"`
	Value   uint16 `json:"value"`
	Index   uint16 `json:"index"`
	Length  uint16 `json:"length"`
	Data    []byte `json:"data,omitempty"`
}

func (t transfer) reads() bool { return t.Type&0x80 != 0 }

// bulk is a bulk transfer, whose direction is bit 7 of the endpoint.
type bulk struct {
	Endpoint uint8  `json:"endpoint"`
	Length   int    `json:"length"`
	Data     []byte `json:"data,omitempty"`
}

func (b bulk) reads() bool { return b.Endpoint&0x80 != 0 }

type reply struct {
	Failure *failure `json:"failure,omitempty"`
	Moved   int      `json:"moved,omitempty"`
	Data    []byte   `json:"data,omitempty"`
	Devices []Device `json:"devices,omitempty"`
	Events  []Event  `json:"events,omitempty"`
	State   *State   `json:"state,omitempty"`
	Press   *Press   `json:"press,omitempty"`
}

// failure is an error that keeps its meaning on the wire.
type failure struct {
	Text      string `json:"text"`
	IsStalled bool   `json:"stalled,omitempty"`
	IsGone    bool   `json:"gone,omitempty"`
	IsBusy    bool   `json:"busy,omitempty"`
}

// Error returns what happened.
func (f *failure) Error() string { return f.Text }

// Stalled says that the device refused a transfer.
func (f *failure) Stalled() bool { return f.IsStalled }

// Gone says that the device or the bench is not there any more.
func (f *failure) Gone() bool { return f.IsGone }

// Busy says that somebody else has the pin.
func (f *failure) Busy() bool { return f.IsBusy }

// failureOf puts an error into words for the wire; nil stays nil.
func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Text: err.Error()}
	var stalled interface{ Stalled() bool }
	var gone interface{ Gone() bool }
	var busy interface{ Busy() bool }
	f.IsStalled = errors.As(err, &stalled) && stalled.Stalled()
	f.IsGone = errors.As(err, &gone) && gone.Gone()
	f.IsBusy = errors.As(err, &busy) && busy.Busy()
	return f
}

// link is a connection that speaks the protocol. It is used by one goroutine.
type link struct {
	conn    net.Conn
	decoder *json.Decoder
	encoder *json.Encoder
}

func newLink(conn net.Conn) *link {
	return &link{conn, json.NewDecoder(conn), json.NewEncoder(conn)}
}

// ask sends a request and returns the reply to it.
func (l *link) ask(r request) (reply, error) {
	if err := l.encoder.Encode(r); err != nil {
		return reply{}, lost(err)
	}
	var answer reply
	if err := l.decoder.Decode(&answer); err != nil {
		return reply{}, lost(err)
	}
	if answer.Failure != nil {
		return answer, answer.Failure
	}
	return answer, nil
}

func lost(err error) error {
	return &failure{Text: fmt.Sprintf("the bench does not answer: %v", err), IsGone: true}
}

// close ends the connection; one that ctx has closed already is closed.
func (l *link) close() error {
	if err := l.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
