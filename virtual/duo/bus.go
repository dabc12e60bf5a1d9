package virtualduo

import "fmt"

// USB identities (redbear/firmware build/platform-id.mk:239-241).
const (
	vendorParticle = 0x2B04
	productDFU     = 0xD058
	productRun     = 0xC058
)

// Attachment is one stay of the board on the bus.
type Attachment struct {
	Vendor, Product uint16
	// Serial is the serial number string.
	Serial string
	// Number counts up with every enumeration of this board, from 1.
	Number uint64
}

type attachment struct {
	Attachment
	gone chan struct{}
}

// Attached returns the present attachment, and false if the board is not on the bus.
func (b *Board) Attached() (Attachment, bool) {
	b.lock()
	defer b.unlock()
	if b.attachment == nil {
		return Attachment{}, false
	}
	return b.attachment.Attachment, true
}

// OnBusChange adds a listener that is called after the board has joined or
// left the bus, with the board not locked: it may call the board. Changes that
// follow each other at once may be told in one call.
func (b *Board) OnBusChange(listener func()) {
	b.lock()
	defer b.unlock()
	b.onBus = append(b.onBus, listener)
}

// SetLinked connects the USB data lines or takes them away, as a hub does that
// drops its ports; the power stays. A new board is linked.
func (b *Board) SetLinked(linked bool) {
	b.lock()
	defer b.unlock()
	b.unlinked = !linked
	b.settleBus()
}

// joinBus switches the pull-up of the USB device on.
func (b *Board) joinBus() {
	b.pulledUp = true
	b.settleBus()
}

// leaveBus switches it off.
func (b *Board) leaveBus() {
	b.pulledUp = false
	b.settleBus()
}

// settleBus lets the host see the board, or not any more.
func (b *Board) settleBus() {
	seen := b.pulledUp && !b.unlinked && !b.faults.Silent
	switch {
	case seen && b.attachment == nil:
		b.attach()
	case !seen && b.attachment != nil:
		b.detachNow()
	}
}

func (b *Board) attach() {
	is := b.identity()
	b.joined++
	b.attachment = &attachment{
		Attachment: Attachment{is.vendor, is.product, is.texts[3], b.joined},
		gone:       make(chan struct{}),
	}
	b.busChanged = true
	b.dfu.initTransfer, b.dfu.state = true, stateIdle // the host's bus driver has read the configuration
	b.tell(Event{What: BusJoined, Number: b.joined, Detail: fmt.Sprintf("%04x", is.product)})
}

func (b *Board) detachNow() {
	close(b.attachment.gone)
	b.attachment = nil
	b.busChanged = true
	b.tell(Event{What: BusLeft})
}
