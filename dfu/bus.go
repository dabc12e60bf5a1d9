package dfu

import "context"

// Bus finds devices and opens them. It may be used by several goroutines.
type Bus interface {
	// Attachments tells what is on the bus now, in DFU mode or not.
	Attachments(ctx context.Context) ([]Attachment, error)

	// Open opens one attachment for DFU. It fails when the device has left the
	// bus since, even if another one is on its port now.
	Open(ctx context.Context, a Attachment) (Transport, error)
}

// Attachment is one stay of a device on the bus.
type Attachment struct {
	Port    string // bus and path of ports, as "1-1.4"
	Number  uint64 // grows with every attachment to the bus
	Vendor  uint16
	Product uint16
	Serial  string // as the device tells it; empty when it tells none
}
