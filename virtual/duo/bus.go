package virtualduo

import "encoding/hex"

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

func (b *Board) joinBus(product uint16) {
	serial, detail := hex.EncodeToString(b.config.UID[:]), "c058"
	if product == productDFU {
		serial, detail = b.loader.Serial(b.config.UID), "d058"
	}
	b.joined++
	b.attachment = &attachment{
		Attachment: Attachment{vendorParticle, product, serial, b.joined},
		gone:       make(chan struct{}),
	}
	b.busChanged = true
	b.tell(Event{What: BusJoined, Number: b.joined, Detail: detail})
}

func (b *Board) leaveBus() {
	if b.attachment == nil {
		return
	}
	close(b.attachment.gone)
	b.attachment = nil
	b.busChanged = true
	b.tell(Event{What: BusLeft})
}
