package station

import (
	"cmp"
	"time"
)

// emptyTime is how long a port must be empty, without a running job, before
// the board in the bay counts as taken out. A board leaves the bus for some
// seconds whenever it restarts, and longer when it makes a key.
const emptyTime = 10 * time.Second

// presence follows the attachments of boards to one port.
type presence struct {
	number    uint64    // of the attachment that lasts, or of the last one
	over      bool      // the last attachment has ended
	id        string    // what the board said it is; empty until it does
	before    string    // what it said before the station was last started, which may be another board by now
	occupied  bool      // something is on the port now
	emptied   time.Time // since when nothing is, or since when that counts
	ambiguous bool      // more than one device is on the port
	device    Device    // the last one seen
	steady    time.Time // since when it is seen as it is, alone
}

// see takes note of what is on the port now.
func (p *presence) see(devices []Device, busy bool, now time.Time) {
	p.ambiguous = len(devices) > 1
	if len(devices) == 0 {
		p.seeNothing(busy, now)
		return
	}
	if !p.occupied || p.ambiguous || p.device != devices[0] {
		p.steady = now
	}
	p.occupied, p.device = true, devices[0]
	if p.over {
		p.begin("")
	}
	if !p.ambiguous { // else nobody knows which of them is the board in the bay
		p.identify(p.device.ID)
	}
}

// identify takes note of the id that the board tells; it may be empty. Another
// id than before is another attachment.
func (p *presence) identify(id string) {
	if id == "" {
		return
	}
	if known := cmp.Or(p.id, p.before); known != "" && known != id {
		p.begin(id)
	}
	p.id = id
}

// looksLike tells whether nobody could tell one state from another.
func (p *presence) looksLike(other presence) bool {
	return p.number == other.number && p.over == other.over && p.id == other.id &&
		p.occupied == other.occupied && p.ambiguous == other.ambiguous && p.device == other.device
}

func (p *presence) seeNothing(busy bool, now time.Time) {
	if p.occupied || busy || p.emptied.IsZero() {
		p.occupied, p.emptied = false, now
		return
	}
	if now.Sub(p.emptied) >= emptyTime {
		p.over = true
	}
}

func (p *presence) begin(id string) {
	p.number++
	p.over, p.id, p.before = false, id, ""
}

// claim is the number that a job on this bay begins with. A board that is in
// the bay but not on the bus begins an attachment too.
func (p *presence) claim() uint64 {
	if p.over {
		p.begin("")
	}
	return p.number
}

// resume goes on with the attachment of an interrupted job.
func (p *presence) resume(number uint64, id string) {
	p.number, p.id, p.over = number, id, false
}

// presenceBefore is the attachment that the last job before the start of the
// station saw: a board that does not tell another id is taken for the same one.
// Number 0 means that there was no job.
func presenceBefore(number uint64, id string) presence {
	return presence{number: number, before: id, over: number == 0}
}
