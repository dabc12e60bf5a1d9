package dfu

import "context"

// Transport is one open device in DFU mode, as seen by its host. It is made
// of basic types, so that a device can offer it without knowing this package.
//
// A Transport is used by one goroutine at a time. Errors may implement
// Stalled() bool (the device refused the request, the bus is fine) and
// Gone() bool (the device has left the bus: nothing more will succeed).
type Transport interface {
	// Control makes one control transfer on endpoint 0 and returns how many
	// bytes moved. The direction is bit 7 of requestType: data is filled for
	// a read and sent for a write; its length is wLength. It blocks until the
	// device has finished the status stage, which for a DFU erase or write is
	// as long as the flash operation takes, or until ctx ends.
	Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error)

	// SelectAlt makes alt the current alternate setting of interface 0.
	SelectAlt(ctx context.Context, alt uint8) error

	// Close lets the device go. It is called once, never during a transfer.
	Close() error
}
