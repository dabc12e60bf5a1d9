package recipe

import (
	"context"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
)

// visit is one board's stay during one job.
type visit struct {
	*Bay
	book   *Book
	job    job.Job
	memory memory

	device     *dfu.Device // open while the board is in DFU mode
	dump       *dump       // the board as it came; see original
	tellsReset bool        // a step has failed by telling of a possible factory reset

	// What this run of the job has seen itself. A resumed job may meet another
	// board than the one that it has a memory of.
	entered   bool         // it brought the board into DFU mode
	runningID duo.DeviceID // as the board's firmware told it before
	asked     bool         // the firmware was asked to enter DFU mode
	deaf      error        // why it was asked in vain
}

// memory is what the steps journal. It holds names of keys, never keys.
type memory struct {
	Entered  bool         `json:"entered"` // the job has brought the board into DFU mode
	DeviceID duo.DeviceID `json:"device_id"`
	versions              // of the board now
	Came     versions     `json:"came"`   // of the board in its backup
	Backup   string       `json:"backup"` // the record of the board as it came
	Found    findings     `json:"found"`
	Decision decision     `json:"decision"`
	Written  string       `json:"written"` // fingerprint of the key that was read back
	Attempts int          `json:"attempts"`
	Raw      bool         `json:"raw"`     // alternate setting 1 is dead: the sectors themselves are written
	Keyless  bool         `json:"keyless"` // left alone, the board would make a key or a DCT of its own
	Stay     bool         `json:"stay"`    // the board is being written, or would not start
	Crosses  bool         `json:"crosses"` // the flash moves the DCT
	Ending   *job.Report  `json:"ending"`  // how the job will end once the board has left
}

// The names of the steps, as the journal and the events show them.
const (
	stepEnter    = "enter-dfu"
	stepIdentify = "identify"
	stepBackup   = "back-up"
	stepDiagnose = "diagnose"
	stepDecide   = "decide"
	stepWrite    = "write"
	stepReadBack = "read-back"
	stepLeave    = "leave"
	stepRunning  = "see-running"
)

// inDFU is what a resumed job repeats before a step that needs the board in
// DFU mode.
var inDFU = []string{stepEnter, stepIdentify}

// lookSteps find out what is on the board and save it; all jobs begin so.
func lookSteps(v *visit) []job.Step {
	return []job.Step{
		{Name: stepEnter, Do: v.enter},
		{Name: stepIdentify, Do: v.identify, Again: []string{stepEnter}},
		{Name: stepBackup, Do: v.backUp, Again: inDFU},
		{Name: stepDiagnose, Do: v.diagnose, Again: inDFU},
	}
}

// leaveSteps let the board start its firmware again; all jobs end so.
func leaveSteps(v *visit) []job.Step {
	return []job.Step{
		{Name: stepLeave, Do: v.leave, Again: inDFU},
		{Name: stepRunning, Do: v.seeRunning},
	}
}

func (v *visit) plan(steps []job.Step) *job.Plan {
	return &job.Plan{Steps: steps, Memory: &v.memory, Result: v.result, Close: v.close}
}

func (v *visit) result() job.Result {
	m := &v.memory
	return job.Result{
		Diagnosis:           m.Found.Diagnosis,
		Backup:              m.Backup,
		Record:              m.Decision.Record,
		RecordedFingerprint: m.Decision.RecordFingerprint,
		BoardFingerprint:    m.Written,
	}
}

// closeTime bounds what is done for a board whose job is over. A board in safe
// mode may have to rest before it is reset.
const closeTime = restTime + 10*time.Second

// close lets the board go. A job that ended early leaves it as it came: out of
// DFU mode if the job brought it there, unless it would then make a new key or
// is half written.
func (v *visit) close(ctx context.Context, state job.State) {
	if v.dump != nil {
		v.dump.raw.Clear()
	}
	ctx, cancel := context.WithTimeout(ctx, closeTime)
	defer cancel()
	if state.Final() && v.mayLeave(state) {
		if err := v.leaveInTheEnd(ctx); err != nil {
			v.book.Log.Warn("the board stays in DFU mode", "job", v.job.ID, "bay", v.Name, "error", err)
		}
	}
	v.letGo()
	if state.Final() {
		v.settle(ctx, state)
	}
}

// mayLeave tells whether a job that is over may start the board again.
func (v *visit) mayLeave(state job.State) bool {
	unwritten := state == job.Canceled || state == job.TimedOut
	return v.memory.Entered && !v.memory.Keyless && (unwritten || !v.memory.Stay)
}

// leaveInTheEnd starts a board that is in DFU mode. A job that was stopped in
// its gesture has not opened it yet.
func (v *visit) leaveInTheEnd(ctx context.Context) error {
	if v.device == nil && v.entered {
		seen, err := v.awaitDFU(ctx, appearTime)
		if err == nil {
			err = v.open(ctx, seen)
		}
		if err != nil {
			return err
		}
	}
	if v.device == nil {
		return nil
	}
	return v.leaveDFU(ctx)
}

// letGo closes the USB device.
func (v *visit) letGo() {
	if v.device == nil {
		return
	}
	if err := v.device.Close(); err != nil {
		v.book.Log.Warn("closing the USB device", "job", v.job.ID, "bay", v.Name, "error", err)
	}
	v.device = nil
}
