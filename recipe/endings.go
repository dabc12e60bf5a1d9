package recipe

import (
	"context"
	"sync"

	"duogateway/gpio"
	"duogateway/job"
)

// endings remembers what a gesture left behind that somebody has to deal with.
type endings struct {
	mu       sync.Mutex
	last     gpio.Result
	safeMode bool // the board runs, but without its application
}

func (e *endings) note(result gpio.Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last, e.safeMode = result, result.SafeMode
}

// factoryReset tells of a gesture that may have reset the board, until a job has
// ended by saying so.
func (e *endings) factoryReset() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last.Outcome != gpio.TooLate {
		return nil
	}
	return e.last.Err()
}

func (e *endings) told() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = gpio.Result{}
}

// takeSafeMode tells once that the board was left in safe mode.
func (e *endings) takeSafeMode() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	safe := e.safeMode
	e.safeMode = false
	return safe
}

// settle deals with what the gestures of a job that is over left behind. A
// board in safe mode gets one clean RESET, when it may be reset. A factory reset
// that a canceled job cannot tell is left for the next one. // P2
func (v *visit) settle(ctx context.Context, state job.State) {
	log := v.book.Log.With("job", v.job.ID, "bay", v.Name)
	if v.tellsReset && state == job.Failed {
		v.endings.told()
	}
	if v.endings.factoryReset() == nil {
		if err := v.Lines.Acknowledge(); err != nil {
			log.Warn("forgetting the last gesture", "error", err)
		}
	}
	if !v.endings.takeSafeMode() {
		return
	}
	seen, present, err := v.ready(ctx, func(string, int, int) {})
	if err != nil || (present && isDFU(seen)) {
		return
	}
	if err := v.Lines.Reset(ctx); err != nil {
		log.Warn("the board may be left in safe mode; press its RESET", "error", err)
	}
}
