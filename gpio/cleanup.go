package gpio

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// busyTimeout is how long a line may stay claimed after its process has ended.
const busyTimeout = 2 * time.Second

// CleanUp ends whatever earlier processes left at the lines of the bays, by the
// one rule, and lets all of them go. The daemon calls it at its start and at
// its stop, and its unit after a crash. It returns a result for each bay, in
// their order: Idle if there was nothing to tell. It may take 12 s while a
// child still holds lines; ctx ends the waiting, not the child.
//
// The error says what could not be done; outcomes are no errors here, see
// [Result.Err]. Each ending is told again until it is acknowledged.
func (r *Runner) CleanUp(ctx context.Context, bays ...Bay) ([]Result, error) {
	results, errs := make([]Result, len(bays)), make([]error, len(bays))
	var all sync.WaitGroup
	for i, bay := range bays {
		all.Go(func() { results[i], errs[i] = r.cleanUpBay(ctx, bay) })
	}
	all.Wait()
	return results, errors.Join(errs...)
}

func (r *Runner) cleanUpBay(ctx context.Context, bay Bay) (Result, error) {
	none := Result{Bay: bay.Name, Outcome: Idle}
	if err := bay.Check(); err != nil {
		return none, err
	}
	unlock, err := r.bays.lock(ctx, bay.Name)
	if err != nil {
		return none, fmt.Errorf("bay %s: wait for its gesture: %w", bay.Name, err)
	}
	defer unlock()
	return r.cleanUp(ctx, bay)
}

// cleanUp does the work of CleanUp for a locked bay. A child may claim the
// lines between the look at the marker and the release: then it looks again.
func (r *Runner) cleanUp(ctx context.Context, bay Bay) (Result, error) {
	begun := r.clock.Monotonic()
	for {
		seenAlive, err := r.outlive(ctx, bay)
		if err != nil {
			return Result{Bay: bay.Name, Outcome: Idle}, fmt.Errorf("bay %s: %w", bay.Name, err)
		}
		m := r.marker(bay)
		if m != nil && m.Phase == PhaseOver {
			return r.tell(bay, m)
		}
		result, err := r.release(bay, m, seenAlive)
		if !errors.Is(err, ErrLinesBusy) || r.clock.Monotonic()-begun > busyTimeout {
			return result, err
		}
		time.Sleep(pollInterval)
	}
}

// outlive sees a child that still lives to its end. It returns when the child
// was last seen alive, 0 if never.
func (r *Runner) outlive(ctx context.Context, bay Bay) (time.Duration, error) {
	m := r.marker(bay)
	if m == nil {
		return 0, nil
	}
	child := r.find(m.Process)
	if child.ended() {
		return 0, nil
	}
	r.log.Info("an earlier gesture is still under way", "bay", bay.Name, "pid", m.Process.PID)
	return r.supervise(ctx, child, r.store(bay.Name))
}

// tell returns an ending that was left to be told.
func (r *Runner) tell(bay Bay, m *Marker) (Result, error) {
	result := m.Ending.result(bay.Name, r.clock.Monotonic())
	if !m.Ending.Told {
		return result, nil
	}
	quiet := Result{Bay: bay.Name, Outcome: Idle, SinceRise: result.SinceRise, QuietFor: result.QuietFor}
	if quiet.QuietFor > 0 {
		return quiet, nil
	}
	return quiet, r.store(bay.Name).Remove()
}

// release lets the bay's lines go in this process, by the rule, and keeps the
// ending. If that fails the marker stays for the next try. The process that held
// the lines is gone by then, and the kernel may have let SETUP go with it, at a
// time that nobody knows: before a RESET that would have come in time.
func (r *Runner) release(bay Bay, m *Marker, heldUntil time.Duration) (Result, error) {
	lines := bay.lines(r.config.Open)
	gone := r.clock.Monotonic()
	ending, err := Release(lines, m, heldUntil, r.clock)
	if ending.Outcome == ResetInWindow && m.mayHaveReset(gone) {
		rose := ending.Rose
		ending = tooLate(m, r.clock.Monotonic())
		ending.Rose = rose
	}
	err = errors.Join(err, lines.Close())
	if err == nil {
		err = Conclude(r.store(bay.Name), m, ending)
	}
	result := ending.result(bay.Name, r.clock.Monotonic())
	if err != nil {
		return result, fmt.Errorf("bay %s: %w", bay.Name, err)
	}
	return result, nil
}

// Acknowledge says that the ending of the bay's last gesture is stored for
// good, so that it need not be told again. After a TooLate the lines are still
// kept quiet for the rest of [QuietTime].
func (r *Runner) Acknowledge(bay string) error {
	if !bayNames.MatchString(bay) {
		return fmt.Errorf("bay name %q does not match %s", bay, bayNames)
	}
	unlock, ok := r.bays.tryLock(bay)
	if !ok {
		return fmt.Errorf("bay %s: acknowledge: %w", bay, ErrLinesBusy)
	}
	defer unlock()
	store := r.store(bay)
	m := r.marker(Bay{Name: bay})
	if m == nil || m.Phase != PhaseOver {
		return nil
	}
	if m.Ending.quietFor(r.clock.Monotonic()) == 0 {
		return store.Remove()
	}
	m.Ending.Told = true
	return save(store, *m)
}
