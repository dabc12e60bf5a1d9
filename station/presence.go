package station

import "time"

// emptyTime is how long a port must be empty, without a running job, before
// the board in the bay counts as taken out. A board leaves the bus for some
// seconds whenever it restarts, and longer when it makes a key.
const emptyTime = 10 * time.Second

// presence follows the attachments of boards to one port.
type presence struct {
	number    uint64    // of the attachment that lasts, or of the last one
	over      bool      // the last attachment has ended
	id        string    // what the board said it is; empty until it does
	occupied  bool      // something is on the port now
	emptied   time.Time // since when nothing is, or since when that counts
	ambiguous bool      // more than one device is on the port
	device    Device    // the last one seen
}

// see takes note of what is on the port now.
func (p *presence) see(devices []Device, busy bool, now time.Time) {
	p.ambiguous = len(devices) > 1
	if len(devices) == 0 {
		p.seeNothing(busy, now)
		return
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
	if p.id != "" && p.id != id {
		p.begin(id)
	}
	p.id = id
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
	p.over, p.id = false, id
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
