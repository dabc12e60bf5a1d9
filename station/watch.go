package station

import (
	"sync"

	"duogateway/job"
)

// Update is news of a job: a new state of it, or the progress of its step.
type Update struct {
	Job      *job.Job  `json:"job,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
}

// Progress tells how a step gets on. Total is 0 when it cannot be counted.
type Progress struct {
	Job   string `json:"job"`
	Step  string `json:"step"`
	Text  string `json:"text"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
}

func (u Update) jobID() string {
	if u.Job != nil {
		return u.Job.ID
	}
	return u.Progress.Job
}

// backlog is how many updates wait for a slow watcher.
const backlog = 64

type watchers struct {
	mu  sync.Mutex
	all map[chan Update]string // the id that each one watches
}

func (w *watchers) add(id string) (<-chan Update, func()) {
	updates := make(chan Update, backlog)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = make(map[chan Update]string)
	}
	w.all[updates] = id
	return updates, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, updates)
	}
}

// tell never blocks. A watcher that is too slow loses its oldest updates; as
// a job's newest state says all that the older ones did, it loses no news.
func (w *watchers) tell(u Update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for updates, id := range w.all {
		if id != u.jobID() {
			continue
		}
		for !offer(updates, u) {
			select {
			case <-updates:
			default:
			}
		}
	}
}

func offer(updates chan Update, u Update) bool {
	select {
	case updates <- u:
		return true
	default:
		return false
	}
}
