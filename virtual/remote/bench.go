package remote

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"duogateway/secret"
	virtualduo "duogateway/virtual/duo"
)

// Wiring is what is between a pin and its line.
type Wiring string

const (
	// FET: an open-drain transistor with its gate pulled down. A high pin
	// pulls the line low; an input leaves it alone.
	FET Wiring = "fet"
	// Direct: the pin is the line.
	Direct Wiring = "direct"
)

// Bay is one cradle of the bench. Two bays may share a port path, as boards
// behind badly described hubs seem to.
type Bay struct {
	Name  string
	Board *virtualduo.Board
	// Port is the USB port path, such as 1-1.1.
	Port string
	// Reset and Setup are line names, each only once on the bench.
	Reset, Setup string
	Wiring       Wiring
}

// Bench holds bays in this process. It does not own the boards: who made
// them closes them.
type Bench struct {
	bays []*bay
	pins map[string]*line

	// mu guards what follows. Boards call in while they are locked, so no
	// board is ever called with mu held.
	mu           sync.Mutex
	events       []Event
	enumerations uint64
	listeners    map[chan Press]struct{}
	faults       Faults
	random       *rand.Rand
}

var _ API = (*Bench)(nil)

type bay struct {
	Bay
	// attachment is the board's own number of its present attachment, number
	// that of the bench.
	attachment, number uint64
	port               string // of the present attachment
}

// New returns a bench. Boards are plugged in by Plug or by their own PowerOn.
func New(bays ...Bay) (*Bench, error) {
	b := &Bench{pins: map[string]*line{}, listeners: map[chan Press]struct{}{}}
	for _, configured := range bays {
		if err := b.add(configured); err != nil {
			return nil, fmt.Errorf("bay %q: %w", configured.Name, err)
		}
	}
	return b, nil
}

func (b *Bench) add(configured Bay) error {
	if configured.Name == "" || configured.Board == nil {
		return errors.New("a bay needs a name and a board")
	}
	if configured.Wiring != FET && configured.Wiring != Direct {
		return fmt.Errorf("wiring is %q, not %q or %q", configured.Wiring, FET, Direct)
	}
	if _, err := b.bay(configured.Name); err == nil {
		return errors.New("the name is taken")
	}
	added := &bay{Bay: configured}
	for _, l := range []*line{
		{name: configured.Reset, wiring: configured.Wiring, drive: configured.Board.SetReset},
		{name: configured.Setup, wiring: configured.Wiring, drive: configured.Board.SetSetup},
	} {
		if l.name == "" || b.pins[l.name] != nil {
			return fmt.Errorf("the line name %q is empty or taken", l.name)
		}
		b.pins[l.name] = l
	}
	b.bays = append(b.bays, added)
	configured.Board.OnEvent(func(event virtualduo.Event) { b.boardEvent(added, event) })
	return nil
}

func (b *Bench) bay(name string) (*bay, error) {
	for _, bay := range b.bays {
		if bay.Name == name {
			return bay, nil
		}
	}
	return nil, fmt.Errorf("the bench has no bay %q", name)
}

// Devices returns what is on the bus now.
func (b *Bench) Devices(context.Context) ([]Device, error) {
	var devices []Device
	for _, bay := range b.bays {
		if device, ok := b.device(bay); ok {
			devices = append(devices, device)
		}
	}
	slices.SortFunc(devices, func(x, y Device) int {
		return cmp.Or(cmp.Compare(x.Port, y.Port), cmp.Compare(x.Number, y.Number))
	})
	return devices, nil
}

// device is the board of a bay on the bus; false also in the moment in which
// the board is just changing.
func (b *Bench) device(bay *bay) (Device, bool) {
	attached, ok := bay.Board.Attached()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !ok || attached.Number != bay.attachment {
		return Device{}, false
	}
	return Device{bay.port, attached.Vendor, attached.Product, attached.Serial, bay.number}, true
}

// OpenUSB opens a device that Devices has returned.
func (b *Bench) OpenUSB(_ context.Context, device Device) (USB, error) {
	for _, bay := range b.bays {
		handle, err := bay.Board.Open()
		if err != nil {
			continue
		}
		// Asked after the handle was made: a handle of another attachment is
		// not taken for this one.
		if here, ok := b.device(bay); ok && here == device {
			return handle, nil
		}
		_ = handle.Close() // closing a handle of a virtual board never fails
	}
	return nil, &failure{
		Text: fmt.Sprintf("no device number %d is on port %s any more", device.Number, device.Port), IsGone: true,
	}
}

// Press presses a button of the station.
func (b *Bench) Press(bay string, held time.Duration) error {
	if bay != "" {
		if _, err := b.bay(bay); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, closed := range b.bounces(held) {
		b.press(Press{bay, closed})
	}
	return nil
}

// press tells the listeners; mu is held.
func (b *Bench) press(press Press) {
	b.record(Event{Bay: press.Bay, What: "press", Detail: press.Held.String()})
	for listener := range b.listeners {
		select {
		case listener <- press:
		default: // it does not look; the press is lost
		}
	}
}

// Presses delivers presses until ctx ends.
func (b *Bench) Presses(ctx context.Context) (<-chan Press, error) {
	listener := make(chan Press, 16)
	b.mu.Lock()
	b.listeners[listener] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, listener)
		close(listener)
	})
	return listener, nil
}

// Note puts text into the order of events.
func (b *Bench) Note(text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.record(Event{What: "note", Detail: text})
	return nil
}

// Events returns all events so far.
func (b *Bench) Events(context.Context) ([]Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.events), nil
}

// record numbers an event; mu is held.
func (b *Bench) record(event Event) {
	event.Number, event.At = uint64(len(b.events)+1), time.Now()
	b.events = append(b.events, event)
}

// boardEvent is called by a board that is locked.
func (b *Bench) boardEvent(from *bay, event virtualduo.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch event.What {
	case virtualduo.BusJoined:
		b.enumerations++
		from.attachment, from.number, from.port = event.Number, b.enumerations, b.portOf(from)
	case virtualduo.BusLeft:
		from.attachment = 0
	}
	b.record(Event{Bay: from.Name, What: string(event.What), Detail: detail(event)})
}

// detail is an event in words: what a host touched, and why not.
func detail(event virtualduo.Event) string {
	switch event.What {
	case virtualduo.HostWrite, virtualduo.HostErase, virtualduo.HostRefused:
		touched := fmt.Sprintf("alt %d address %#x length %d", event.Alt, event.Address, event.Length)
		if event.Detail != "" {
			touched += ": " + event.Detail
		}
		return touched
	default:
		return event.Detail
	}
}

// Board returns what can be seen of a board.
func (b *Bench) Board(name string) (State, error) {
	bay, err := b.bay(name)
	if err != nil {
		return State{}, err
	}
	board := bay.Board
	sum := sha256.Sum256(board.Flash())
	resetLow, setupLow := board.Lines()
	return State{
		Powered:     board.Powered(),
		Light:       board.Light(),
		Counters:    board.Counters(),
		Fingerprint: board.FirmwareFingerprint(),
		FlashSHA256: hex.EncodeToString(sum[:]),
		ResetLow:    resetLow,
		SetupLow:    setupLow,
	}, nil
}

// Unplug takes a board's power and USB away.
func (b *Bench) Unplug(name string) error {
	bay, err := b.bay(name)
	if err == nil {
		bay.Board.PowerOff()
	}
	return err
}

// Plug gives a board power and USB.
func (b *Bench) Plug(name string) error {
	bay, err := b.bay(name)
	if err == nil {
		bay.Board.PowerOn()
	}
	return err
}

// PowerCut interrupts a board's power.
func (b *Bench) PowerCut(name string) error { return errors.Join(b.Unplug(name), b.Plug(name)) }

// DumpFlash returns the internal flash, keys included.
func (b *Bench) DumpFlash(name string) (secret.Bytes, error) {
	bay, err := b.bay(name)
	if err != nil {
		return secret.Bytes{}, err
	}
	return secret.Of(bay.Board.Flash()), nil
}

// WriteDCT changes the DCT past the board's doors.
func (b *Bench) WriteDCT(name string, offset int, data []byte) error {
	bay, err := b.bay(name)
	if err != nil {
		return err
	}
	return bay.Board.WriteDCT(offset, data)
}
