package virtualduo

import "time"

// What a fault does to transfers and to flash work once its moment has come.

// cutNow says whether the power fails in the flash operation of that number.
func (b *Board) cutNow(number int) bool {
	if b.faults.cutAt != number {
		return false
	}
	b.faults.cutAt = 0
	b.tell(Event{What: Faulted, Detail: "power cut in a flash operation"})
	return true
}

// unplugDue counts control transfers and says whether this one is the last.
func (b *Board) unplugDue() bool {
	b.faults.transfers++
	return b.faults.unplugAt != 0 && b.faults.transfers == b.faults.unplugAt
}

// pullPlug takes the power away at a random moment of the transfer: at once,
// or somewhere in the flash work that it has begun.
func (b *Board) pullPlug() {
	b.tell(Event{What: Faulted, Detail: "unplugged in a transfer"})
	if b.work == nil || len(b.work.ends) == 0 {
		b.losePower()
		return
	}
	total := b.work.ends[len(b.work.ends)-1]
	b.after(time.Duration(b.faults.random.Int64N(int64(total)+1)), b.losePower)
}

// lost is work that takes the time of operations and changes nothing.
func (b *Board) lost(operations []operation) []operation {
	var total time.Duration
	for _, o := range operations {
		total += o.duration
	}
	return []operation{{target: b.internal, data: []byte{}, duration: total}}
}

// sagWords is how many operations a sagging supply spoils before the reset.
const sagWords = 8

// sag spoils some of the operations that program a private key, and returns
// how many of all operations are done when the processor resets; false if
// there is no key among them or nothing is wrong with the supply.
func (b *Board) sag(operations []operation) (done int, sags bool) {
	if !b.faults.BrownOut {
		return 0, false
	}
	var keys []int
	for i, o := range operations {
		if b.programsKey(o) {
			keys = append(keys, i)
		}
	}
	if len(keys) == 0 {
		return 0, false
	}
	b.faults.BrownOut = false
	first := keys[b.faults.random.IntN(len(keys))]
	done = min(first+sagWords, len(operations))
	for i := first; i < done; i++ {
		b.spoil(&operations[i])
	}
	b.tell(Event{What: Faulted, Detail: "brown-out while a key is programmed"})
	return done, true
}

// programsKey says whether an operation writes a key, and not just blank bytes.
func (b *Board) programsKey(o operation) bool {
	if o.data == nil || isBlank(o.data) {
		return false
	}
	for _, s := range []store{b.loaderStore(), b.firmwareStore()} {
		for which := range 2 {
			at := s.offset(which) + applicationOffset + privateKeyOffset
			if o.offset >= at && o.offset < at+privateKeyReserved {
				return true
			}
		}
	}
	return false
}

// spoil leaves some of the bits to be programmed as they are.
func (b *Board) spoil(o *operation) {
	if o.data == nil {
		return
	}
	weak := make([]byte, len(o.data))
	for i, value := range o.data {
		weak[i] = value | byte(b.faults.random.Uint32())
	}
	o.data = weak
}
