package station

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"duogateway/job"
)

// bay is a cradle at work. Its worker goroutine walks one job at a time.
type bay struct {
	Bay
	wake chan struct{} // holds one token when the queue may have grown

	mu       sync.Mutex
	presence presence
	seen     uint64   // the number of the look that the presence knows
	queue    []string // ids of admitted jobs, in order
	running  *running
	broken   error    // the journal failed: the bay takes no more work
	served   uint64   // the last presence that a job belongs to
	judged   *job.Job // the last one that says something about a board; nil when none does
	ended    time.Time
	dark     bool // nothing was seen on the port since the last job ended, at ended
}

// running is the job that a bay's worker walks now.
type running struct {
	id       string
	canceled bool                    // a request to cancel was accepted: so the job ends
	settled  bool                    // too late for such a request: it writes, or ends otherwise
	cancel   context.CancelCauseFunc // ends the present step
	over     chan struct{}           // closed when the worker has let go of the job
}

var (
	errCanceled = errors.New("canceled by request")
	errTimedOut = errors.New("the time limit of the job is over")
)

// newBay makes a bay that goes on with the presence of its last job; last is
// zero when it had none.
func newBay(b Bay, presence uint64, last job.Job) *bay {
	made := &bay{Bay: b, wake: make(chan struct{}, 1), served: presence}
	id := ""
	if last.Presence == presence {
		id = last.DeviceID
	}
	made.presence = presenceBefore(presence, id)
	made.judge(last)
	return made
}

// see takes note of what a look has found on the port, and tells whether that
// is news.
func (b *bay) see(look uint64, here []Device) (news bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if look < b.seen {
		return false
	}
	b.seen = look
	now, was := time.Now(), b.presence
	b.presence.see(here, b.running != nil, now)
	if b.comesBack(was, now) {
		b.served = b.presence.number
	}
	if b.presence.occupied {
		b.dark = false
	}
	return !b.presence.looksLike(was)
}

// claim is the presence that a job begins with.
func (b *bay) claim() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	number := b.presence.claim()
	b.served = max(b.served, number)
	return number
}

func (b *bay) enqueue(id string) {
	b.mu.Lock()
	b.queue = append(b.queue, id)
	b.mu.Unlock()
	b.call()
}

// call wakes the worker.
func (b *bay) call() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// next waits for a job. It says false when ctx has ended or the bay is broken.
func (b *bay) next(ctx context.Context) (id string, ok bool) {
	for {
		if ctx.Err() != nil {
			return "", false
		}
		if id, ok := b.take(); ok {
			return id, true
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
		}
	}
}

func (b *bay) take() (id string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 || b.broken != nil {
		return "", false
	}
	id, b.queue = b.queue[0], b.queue[1:]
	b.running = &running{id: id, over: make(chan struct{})}
	return id, true
}

func (b *bay) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.running.over)
	b.running = nil
	b.ended, b.dark = time.Now(), true
}

// judge takes note of a job that is over, if it says something about a board: a
// job that was rejected, or canceled before it began, says nothing.
func (b *bay) judge(j job.Job) {
	idle := j.State == job.Canceled && j.Started == nil
	if !j.State.Final() || j.State == job.Rejected || idle {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.judged = &j
}

// stays tells whether the board that a job was about is in the bay still, as far
// as anybody knows: nobody has seen it taken out that is off the bus since its
// job.
func (b *bay) stays(j *job.Job) bool {
	return j != nil && j.Presence == b.presence.number && (!b.presence.over || b.dark)
}

// unqueue takes a waiting job out and tells its place. It says false when the
// job does not wait.
func (b *bay) unqueue(id string) (place int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	place = slices.Index(b.queue, id)
	if place < 0 {
		return 0, false
	}
	b.queue = slices.Delete(b.queue, place, place+1)
	return place, true
}

// requeue puts a job back that unqueue took out.
func (b *bay) requeue(id string, place int) {
	b.mu.Lock()
	b.queue = slices.Insert(b.queue, min(place, len(b.queue)), id)
	b.mu.Unlock()
	b.call()
}

// holds tells whether a job waits or runs here.
func (b *bay) holds(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.queue, id) || (b.running != nil && b.running.id == id)
}

// cancelRunning ends the step of a running job; the job is canceled when over
// is closed, unless the journal fails. It says false when the job does not run
// here or cannot be canceled any more.
func (b *bay) cancelRunning(id string) (over <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.running
	if r == nil || r.id != id || r.settled {
		return nil, false
	}
	r.canceled = true
	if r.cancel != nil {
		r.cancel(errCanceled)
	}
	return r.over, true
}

// settle marks the point from which the running job cannot be canceled. It
// says false when it was canceled before.
func (b *bay) settle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running.settled = true
	return !b.running.canceled
}

// beginStep gives a step its context, which ends with a request to cancel.
func (b *bay) beginStep(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running.cancel = cancel
	if b.running.canceled {
		cancel(errCanceled)
	}
	return ctx, cancel
}

// breakDown takes the bay out of service.
func (b *bay) breakDown(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = err
}

func (b *bay) isBroken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
}

// Status is what a bay tells about itself.
type Status struct {
	Name     string `json:"name"`
	Port     string `json:"port"`
	Occupied bool   `json:"occupied"`
	Device   string `json:"device"` // what is on the port; empty when nothing is
	DeviceID string `json:"device_id"`
	Presence uint64 `json:"presence"`
	Running  string `json:"running"` // the job; empty when the bay is idle
	Waiting  int    `json:"waiting"`
	Trouble  string `json:"trouble"` // why the bay takes no work; empty when it does

	Last *job.Job `json:"last"` // the newest job of the bay; null when there was none

	// Judged is the newest job that says something about the board in the bay;
	// nil when none does.
	Judged *job.Job `json:"-"`
}

func (b *bay) status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Status{Name: b.Name, Port: b.Port, Occupied: b.presence.occupied, Presence: b.presence.number, Waiting: len(b.queue)}
	if s.Occupied {
		s.Device, s.DeviceID = b.presence.device.Name, b.presence.id
	}
	if b.running != nil {
		s.Running = b.running.id
	}
	if b.stays(b.judged) {
		s.Judged = b.judged
	}
	switch {
	case b.broken != nil:
		s.Trouble = b.broken.Error()
	case b.presence.ambiguous:
		s.Trouble = "more than one device is on port " + b.Port
	}
	return s
}
