package gpio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// RunnerConfig is what a [Runner] needs.
type RunnerConfig struct {
	// Command starts a process that calls [RunChild] with the arguments that
	// come after these, for instance the program's own path and
	// "gesture-child". The process must use the same OpenPin.
	Command []string
	// RuntimeDir is an existing folder that outlives the process but not the
	// boot, for instance /run/gatewayd. The markers are there.
	RuntimeDir string
	// Gesture is the settings of every gesture.
	Gesture Gesture
	// Open claims the lines of a gesture whose process is lost.
	Open OpenPin
	// Log takes what no result says; nil discards it.
	Log *slog.Logger
}

// Runner makes gestures in child processes, and ends what they left behind.
// Its methods may be called at the same time; one bay does one thing at a
// time.
type Runner struct {
	config RunnerConfig
	log    *slog.Logger
	clock  Clock
	bays   bayLocks

	// What the tests replace.
	start func(request) (startedChild, error)
	find  func(ProcessID) process
	store func(bay string) MarkerStore
}

// startedChild is a process of ours.
type startedChild interface {
	process
	// output returns what it printed, once it has ended.
	output() (stdout, stderr []byte)
}

// NewRunner returns a Runner. It touches no line.
func NewRunner(config RunnerConfig) (*Runner, error) {
	if err := config.Gesture.Check(); err != nil {
		return nil, err
	}
	if len(config.Command) == 0 || config.RuntimeDir == "" || config.Open == nil {
		return nil, errors.New("a gesture runner needs a command, a runtime folder and a way to open pins")
	}
	clock, err := SystemClock()
	if err != nil {
		return nil, err
	}
	r := &Runner{config: config, log: config.Log, clock: clock}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.start = r.startProcess
	r.find = func(id ProcessID) process { return id }
	r.store = func(bay string) MarkerStore { return markerPath(config.RuntimeDir, bay) }
	return r, nil
}

// EnterDFU makes the gesture that puts the bay's board into DFU mode, and
// returns how it ended, about four seconds later. It does not look whether the
// board then is in DFU mode.
//
// Once begun the gesture is not cut off by ctx. The error is nil exactly if
// the outcome is Completed; else it is [ErrLinesBusy] or [ErrQuiet] (nothing
// was done, the outcome is empty), [ErrLines], [ErrGestureFailed] or
// [ErrFactoryResetPossible]. When the caller has stored an ending that is not
// Completed, it calls [Runner.Acknowledge].
func (r *Runner) EnterDFU(ctx context.Context, bay Bay) (Result, error) {
	return r.run(ctx, ActEnterDFU, bay)
}

// Reset pulses RESET, with SETUP left alone. The errors are those of EnterDFU.
func (r *Runner) Reset(ctx context.Context, bay Bay) error {
	_, err := r.run(ctx, ActReset, bay)
	return err
}

func (r *Runner) run(ctx context.Context, what Act, bay Bay) (Result, error) {
	if err := errors.Join(ctx.Err(), bay.Check()); err != nil {
		return Result{}, err
	}
	unlock, ok := r.bays.tryLock(bay.Name)
	if !ok {
		return Result{}, fmt.Errorf("bay %s: %w", bay.Name, ErrLinesBusy)
	}
	defer unlock()
	if result, err := r.endEarlier(ctx, bay); err != nil {
		return result, err
	}
	child, err := r.start(request{Act: what, Bay: bay, Hold: r.config.Gesture.hold(), RuntimeDir: r.config.RuntimeDir})
	if err != nil {
		return Result{}, fmt.Errorf("bay %s: %w: %w", bay.Name, ErrGestureFailed, err)
	}
	return r.watch(bay, child)
}

// endEarlier ends a gesture of this bay that nobody ended. Then there is an
// error and the caller's own gesture is not made: the board has just had a
// RESET. The result is that of the earlier gesture.
func (r *Runner) endEarlier(ctx context.Context, bay Bay) (Result, error) {
	m := r.marker(bay)
	if m == nil {
		return Result{}, nil
	}
	if m.Phase == PhaseOver {
		if quiet := m.Ending.quietFor(r.clock.Monotonic()); quiet > 0 {
			return Result{}, fmt.Errorf("bay %s: %w, for %v more", bay.Name, ErrQuiet, roughly(quiet))
		}
		return Result{}, r.store(bay.Name).Remove()
	}
	result, err := r.cleanUp(ctx, bay)
	if err == nil {
		err = result.Err()
	}
	if err == nil {
		err = fmt.Errorf("bay %s: %w: an earlier gesture had to be ended first", bay.Name, ErrGestureFailed)
	}
	return result, err
}

// watch sees the child to its end and returns how the gesture ended: in the
// child's own words, or else by the rule.
func (r *Runner) watch(bay Bay, child startedChild) (Result, error) {
	seenAlive, err := r.supervise(context.Background(), child, r.store(bay.Name))
	if err != nil {
		return Result{}, fmt.Errorf("bay %s: %w", bay.Name, err)
	}
	said := r.listen(bay, child)
	m := r.marker(bay)
	active := m != nil && m.Phase != PhaseOver
	switch {
	case said.Ending != nil:
		if active { // it was killed between its report and its last step
			err = Conclude(r.store(bay.Name), m, *said.Ending)
		}
		result := said.Ending.result(bay.Name, r.clock.Monotonic())
		return result, errors.Join(said.err(), result.Err(), err)
	case active:
		result, err := r.release(bay, m, seenAlive)
		if m.Act == ActReset && said.Error == "" {
			err = errors.Join(fmt.Errorf("bay %s: %w: the process of the RESET was lost", bay.Name, ErrGestureFailed), err)
		}
		return result, errors.Join(said.err(), result.Err(), err)
	case said.Error != "":
		return Result{}, fmt.Errorf("bay %s: %w", bay.Name, said.err())
	}
	return Result{}, fmt.Errorf("bay %s: %w: its process ended before it began", bay.Name, ErrGestureFailed)
}

// listen returns the child's report, an empty one if there is none.
func (r *Runner) listen(bay Bay, child startedChild) report {
	stdout, stderr := child.output()
	if warning := bytes.TrimSpace(stderr); len(warning) > 0 {
		r.log.Warn("the gesture's process warns", "bay", bay.Name, "warning", string(warning))
	}
	said, err := parseReport(stdout)
	if err != nil {
		r.log.Warn("the gesture's process gave no report", "bay", bay.Name, "error", err)
	}
	return said
}

// marker returns the bay's marker of this boot, nil if there is none that can
// be understood.
func (r *Runner) marker(bay Bay) *Marker {
	m, err := load(r.store(bay.Name), r.clock)
	if err != nil {
		r.log.Warn("the bay's marker counts as none", "bay", bay.Name, "error", err)
	}
	return m
}
