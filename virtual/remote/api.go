package remote

import (
	"context"
	"time"

	"duogateway/secret"
	virtualduo "duogateway/virtual/duo"
)

// ChipLabel is the label of the GPIO chip that all pins of a bench are on.
const ChipLabel = "bench"

// API is a bench, in this process or in another.
type API interface {
	// Devices returns what is on the USB bus now, by port and number.
	Devices(ctx context.Context) ([]Device, error)
	// OpenUSB opens a device that Devices has returned. If it has left the
	// bus since, the error is gone.
	OpenUSB(ctx context.Context, device Device) (USB, error)
	// OpenPin takes a pin by its line name, as an input. While another has
	// it, the error is busy.
	OpenPin(name string) (Pin, error)

	// Press presses the button of a bay for the time held; "" is the
	// station's button. It is lost if nobody listens, as with a real one.
	Press(bay string, held time.Duration) error
	// Presses delivers presses until ctx ends; the channel is closed then.
	Presses(ctx context.Context) (<-chan Press, error)

	// Note puts something that happened outside the bench, such as a commit,
	// into the bench's one order of events.
	Note(text string) error
	// Events returns all events so far, in order.
	Events(ctx context.Context) ([]Event, error)

	// Board returns what can be seen of a board.
	Board(bay string) (State, error)
	// Unplug takes a board's power and USB away.
	Unplug(bay string) error
	// Plug gives a board power and USB.
	Plug(bay string) error
	// PowerCut is Unplug and Plug at once.
	PowerCut(bay string) error
	// DumpFlash returns the 1 MiB of internal flash, keys included.
	DumpFlash(bay string) (secret.Bytes, error)
	// WriteDCT changes the DCT past the board's doors, to prepare damage.
	// Offset counts from the application DCT.
	WriteDCT(bay string, offset int, data []byte) error

	// SetFaults replaces the faults of a board.
	SetFaults(bay string, faults virtualduo.Faults) error
	// SetOwnFaults replaces the faults of the bench itself.
	SetOwnFaults(faults Faults) error
	// DropHub takes all boards off the bus, as a hub does that resets, and
	// lets them return after the time gone. Their power stays.
	DropHub(gone time.Duration) error
}

// USB is an open device; its methods are those of a DFU transport. Its errors
// have methods Stalled() bool and Gone() bool. A transfer that ctx has ended
// leaves a handle for which nothing more may succeed.
type USB interface {
	// Control makes one control transfer, whose direction is bit 7 of
	// requestType, and waits for its status stage. It returns how many bytes moved.
	Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error)
	// SelectAlt makes alt the current alternate setting of interface 0.
	SelectAlt(ctx context.Context, alt uint8) error
	// Bulk makes one bulk transfer on the serial port of the running firmware,
	// at most 64 KiB: a write to endpoint 0x01, or a read from 0x81, which
	// waits until the board says something. It returns how many bytes moved.
	Bulk(ctx context.Context, endpoint uint8, data []byte) (int, error)
	// Close lets the device go.
	Close() error
}

// Pin is one GPIO line, taken by one owner, used by one goroutine.
type Pin interface {
	// Low drives the pin low.
	Low() error
	// High drives the pin high.
	High() error
	// Input lets the pin go.
	Input() error
	// Close makes the pin an input and gives it back.
	Close() error
}

// Device is a board on the USB bus.
type Device struct {
	// Port is the USB port path, such as 1-1.1.
	Port    string `json:"port"`
	Vendor  uint16 `json:"vendor"`
	Product uint16 `json:"product"`
	Serial  string `json:"serial"`
	// Number counts the enumerations of the whole bench, from 1.
	Number uint64 `json:"number"`
}

// Press is one press of a button.
type Press struct {
	Bay  string        `json:"bay"` // empty for the station's button
	Held time.Duration `json:"held"`
}

// Event is something that happened, on a board or, with What "note", outside.
type Event struct {
	// Number is the event's place in the one order, from 1 without gaps.
	Number uint64    `json:"number"`
	At     time.Time `json:"at"`
	Bay    string    `json:"bay,omitempty"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
}

// State is what can be seen of a board.
type State struct {
	Powered  bool                `json:"powered"`
	Light    virtualduo.Light    `json:"light"`
	Counters virtualduo.Counters `json:"counters"`
	// Fingerprint is that of the key that the firmware would use; empty if it
	// could use none.
	Fingerprint string `json:"fingerprint"`
	// FlashSHA256 is the SHA-256 of the internal flash, in hex.
	FlashSHA256 string `json:"flash_sha256"`
	// ResetLow and SetupLow are the lines as the board sees them.
	ResetLow bool `json:"reset_low"`
	SetupLow bool `json:"setup_low"`
}
