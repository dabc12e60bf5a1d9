package station

import (
	"time"

	"duogateway/job"
)

// settleTime is how long a board must be seen on the bus, as the same device,
// before it gets a job of itself: one that is plugged in by hand may join twice.
const settleTime = 2 * time.Second

// restartTime is how long a board may take to come back to the bus after a job.
const restartTime = time.Minute

// answerPlugs admits the jobs of boards that were plugged in.
func (s *Station) answerPlugs() {
	s.admission.Lock()
	defer s.admission.Unlock()
	for _, b := range s.bays {
		if !b.due(time.Now()) {
			continue
		}
		r := job.Request{ID: job.NewID(), Kind: b.OnPlug, Bay: b.Name, Source: job.FromPlug}
		if _, err := s.admit(b, r); err != nil {
			s.Log.Error("the board that was plugged in gets no job", "bay", b.Name, "error", err)
		}
	}
}

// due tells whether a board is to get a job because it was plugged in: it has
// settled, and no job has seen it yet or is about to.
func (b *bay) due(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := &b.presence
	idle := b.running == nil && len(b.queue) == 0 && b.broken == nil
	plugged := p.occupied && !p.ambiguous && p.device.Board && p.number > b.served
	return b.OnPlug != "" && idle && plugged && now.Sub(p.steady) >= settleTime
}

// serve notes that a presence has had a job, or the attempt to admit one. The
// journal knows it too, so it outlives a restart.
func (b *bay) serve(presence uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served = max(b.served, presence)
}

// comesBack tells whether what has just begun a presence is the board that the
// last job left off the bus: that job has restarted it, nobody has plugged it in.
func (b *bay) comesBack(was presence, now time.Time) bool {
	is := b.presence
	return b.dark && is.number > was.number && is.id != "" && is.id == was.id && now.Sub(b.ended) < restartTime
}
