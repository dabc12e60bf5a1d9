package virtualduo

import "time"

// What is the kind of an event.
type What string

// The events of a board. A flash event is told when the change begins.
const (
	HostWrite    What = "host-write"    // a DNLOAD data block is being executed
	HostErase    What = "host-erase"    // an erase command is being executed
	HostRefused  What = "host-refused"  // a block or command failed before the flash was touched
	FactoryReset What = "factory-reset" // the user part is being replaced
	WiFiWipe     What = "wifi-wipe"     // the Wi-Fi credentials are gone
	KeyGenerated What = "key-generated" // the firmware made a new key and begins to store it
	DCTDefault   What = "dct-default"   // the board found no DCT and writes the default
	// BootloaderUpdate: the firmware puts a bootloader over the one in flash;
	// Detail is its name.
	BootloaderUpdate What = "bootloader-update"
	Booted           What = "booted"     // Detail: dfu, run, wiced or hung
	Reset            What = "reset"      // Detail: pin, system or brown-out
	Powered          What = "power"      // Detail: on, off or cut
	ResetLine        What = "reset-line" // Detail: low or high
	SetupLine        What = "setup-line" // Detail: low or high
	BusJoined        What = "attached"   // Detail: the product id in hex
	BusLeft          What = "detached"
	Destroyed        What = "bricked" // Detail: why
	Faulted          What = "fault"   // Detail: which of the board's faults has struck
)

// Event is something that happened to a board.
type Event struct {
	What What
	At   time.Time
	// Alt, Address and Length describe what a host did to a memory; Address
	// is an offset on alternate settings 1 and 2.
	Alt     uint8
	Address uint32
	Length  int
	// Number is that of the attachment that began.
	Number uint64
	Detail string
}

// Counters count over a board's whole life.
type Counters struct {
	FactoryResets  int // the user part was replaced, or was begun to be
	WiFiWipes      int
	Resets         int // by the pin, the host's leave and the firmware itself
	HostWrites     int // data blocks executed
	HostErases     int // erase commands that erased something
	KeyGenerations int
	DCTDefaults    int
	FlashOps       int // operations of either flash that were finished
	PowerCuts      int // losses of power during a flash operation
	Bricked        int
}

// OnEvent adds a listener. It is called in the order of events while the board
// is locked: it must return at once and must not call the board.
func (b *Board) OnEvent(listener func(Event)) {
	b.lock()
	defer b.unlock()
	b.listeners = append(b.listeners, listener)
}

// Counters returns the counts so far.
func (b *Board) Counters() Counters {
	b.lock()
	defer b.unlock()
	return b.counters
}

func (b *Board) tell(event Event) {
	event.At = time.Now()
	for _, listener := range b.listeners {
		listener(event)
	}
}
