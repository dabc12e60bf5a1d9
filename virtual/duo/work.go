package virtualduo

import "time"

// work is flash work in progress: operations one after the other. They are
// applied when somebody looks, as far as the time since the start has come.
type work struct {
	begun      time.Time
	operations []operation
	ends       []time.Duration // since begun
	applied    int
	cutAt      int           // index of the operation during which power fails, -1 for none
	done       chan struct{} // closed when all is finished
	failed     bool          // what the device reports at the end
	sags       bool          // the processor resets at the end and reports nothing
}

// OnFlashOp asks hook before each operation of either flash, numbered from 1
// over the board's life: a word or byte programmed, a page of serial flash, a
// sector erased. Answering true cuts the power in the middle of it. A whole
// write is asked for when it begins. The hook must not call the board.
func (b *Board) OnFlashOp(hook func(n int) (cut bool)) {
	b.lock()
	defer b.unlock()
	b.flashOp = hook
}

// startWork lets operations take their time, then calls then.
func (b *Board) startWork(operations []operation, then func()) *work {
	w := &work{begun: time.Now(), operations: operations, cutAt: -1, done: make(chan struct{})}
	done, sags := b.sag(operations)
	if sags {
		operations, then = operations[:done], func() { b.resetBy("brown-out") }
		w.operations, w.sags = operations, true
	}
	var total time.Duration
	for i, o := range operations {
		if w.cutAt = b.askCut(i); w.cutAt >= 0 {
			b.after(total+o.duration/2, b.losePower)
			break
		}
		total += o.duration
		w.ends = append(w.ends, total)
	}
	b.work = w
	if w.cutAt < 0 {
		b.after(total, func() { b.finishWork(then) })
	}
	return w
}

// askCut returns i if a fault or the hook cuts the power at the i-th operation from now,
// else -1.
func (b *Board) askCut(i int) int {
	number := b.counters.FlashOps + i + 1
	if b.cutNow(number) || b.flashOp != nil && b.flashOp(number) {
		return i
	}
	return -1
}

func (b *Board) finishWork(then func()) {
	b.settle()
	w := b.work
	b.work = nil
	if then != nil {
		then()
	}
	if !w.sags {
		close(w.done)
	}
}

// settle applies the operations whose time has passed.
func (b *Board) settle() {
	w := b.work
	if w == nil {
		return
	}
	elapsed := time.Since(w.begun)
	for w.applied < len(w.ends) && w.ends[w.applied] <= elapsed {
		w.operations[w.applied].apply()
		w.applied++
		b.counters.FlashOps++
	}
}

// cutWork ends the work now: a reset and a loss of power both do.
func (b *Board) cutWork() {
	w := b.work
	if w == nil {
		return
	}
	b.settle()
	b.work = nil
	var began time.Duration
	if w.applied > 0 {
		began = w.ends[w.applied-1]
	}
	if w.applied < len(w.operations) && time.Since(w.begun) > began {
		w.operations[w.applied].applyPartly()
		b.counters.PowerCuts++
	}
}
