package recipe

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/secret"
	virtualduo "duogateway/virtual/duo"
)

// bench is a bay with a virtual board, and as much of a station as it takes to
// walk through a plan. It is the Board, the Gesturer and the Records of the
// recipes.
type bench struct {
	t     *testing.T
	board *virtualduo.Board
	book  *Book
	bay   *Bay

	// console is the serial port of the board; nil for a station without one.
	console Console

	// look and open may change what the port shows.
	look func(dfu.Attachment, bool) (dfu.Attachment, bool, error)
	open func(dfu.Transport) dfu.Transport

	// endings are what the next gestures come to, without a board's help.
	endings      []gpio.Result
	gestureError error
	hold         time.Duration // how long a gesture holds SETUP
	gestures     int
	resets       int
	acknowledged int
	resetError   error

	records  []job.KeyRecord
	unopened map[string]error // records that cannot be opened
	audit    []job.AuditNote
	said     []string // what was said of the progress, once each
}

var usual = virtualduo.Config{Seed: 1, FactoryImage: true, WiFi: true}

// onBench runs a scenario with a board that has a sound key and runs.
func onBench(t *testing.T, config virtualduo.Config, scenario func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, board: virtualduo.New(config), hold: gpio.DefaultHold, unopened: map[string]error{}}
		defer b.board.Close()
		b.restart()
		b.must(b.board.InstallKey(keyOf(t, 1).Fixed().Reveal()))
		b.board.PowerOn()
		time.Sleep(5 * time.Second)
		if product(b.board) != duo.ProductRun {
			t.Fatal("the board does not run")
		}
		scenario(t, b)
	})
}

// restart forgets all that a daemon forgets when it ends.
func (b *bench) restart() {
	b.bay = NewBay("bay-1", b, b, b.console)
	b.book = &Book{
		Bays: map[string]*Bay{"bay-1": b.bay}, Records: b,
		Clock: job.Clock{Boot: "bench"}, Log: slog.New(slog.DiscardHandler),
	}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

var keys sync.Map // seed: func() *duo.PrivateKey

// keyOf is the same key for the same seed. Making one takes a while.
func keyOf(t *testing.T, seed uint64) *duo.PrivateKey {
	t.Helper()
	made, _ := keys.LoadOrStore(seed, sync.OnceValue(func() *duo.PrivateKey {
		key, err := duo.ImportPrivateKey(virtualduo.GenerateKey(seed).Reveal())
		if err != nil {
			panic(err)
		}
		return key
	}))
	return made.(func() *duo.PrivateKey)()
}

// product is what the board shows on the bus; 0 when it is not there.
func product(board *virtualduo.Board) uint16 {
	attached, _ := board.Attached()
	return attached.Product
}

// intoDFU brings the board into DFU mode as a technician's thumbs do.
func (b *bench) intoDFU() {
	b.t.Helper()
	b.board.PowerOff()
	b.board.SetSetup(true)
	b.board.PowerOn()
	time.Sleep(3400 * time.Millisecond)
	b.board.SetSetup(false)
	time.Sleep(time.Second)
	if product(b.board) != duo.ProductDFU {
		b.t.Fatal("the board is not in DFU mode")
	}
}

func (b *bench) Look(context.Context) (dfu.Attachment, bool, error) {
	at, present := b.board.Attached()
	seen := dfu.Attachment{Port: "1-1", Number: at.Number, Vendor: at.Vendor, Product: at.Product, Serial: at.Serial}
	if b.look != nil {
		return b.look(seen, present)
	}
	return seen, present, nil
}

func (b *bench) Open(context.Context, dfu.Attachment) (dfu.Transport, error) {
	handle, err := b.board.Open()
	if err != nil {
		return nil, err
	}
	if b.open != nil {
		return b.open(handle), nil
	}
	return handle, nil
}

func (b *bench) EnterDFU(context.Context) (gpio.Result, error) {
	b.gestures++
	if b.gestureError != nil {
		return gpio.Result{}, b.gestureError
	}
	if len(b.endings) > 0 {
		result := b.endings[0]
		b.endings = b.endings[1:]
		return result, result.Err()
	}
	b.board.SetSetup(true)
	b.board.SetReset(true)
	time.Sleep(gpio.ResetPulse)
	b.board.SetReset(false)
	time.Sleep(b.hold)
	b.board.SetSetup(false)
	return gpio.Result{Outcome: gpio.Completed, SinceRise: b.hold}, nil
}

func (b *bench) Reset(context.Context) error {
	b.resets++
	b.board.SetReset(true)
	time.Sleep(gpio.ResetPulse)
	b.board.SetReset(false)
	return b.resetError
}

func (b *bench) Acknowledge() error {
	b.acknowledged++
	return nil
}

func (b *bench) AllRecords() ([]job.RecordInfo, error) {
	var all []job.RecordInfo
	for _, r := range b.records {
		all = append(all, r.Info)
	}
	return all, nil
}

func (b *bench) Record(id string) (job.KeyRecord, error) {
	if err := b.unopened[id]; err != nil {
		return job.KeyRecord{}, err
	}
	for _, r := range b.records {
		if r.Info.ID == id {
			return copyOf(r), nil
		}
	}
	return job.KeyRecord{}, job.Failf(job.UnknownRecord, "key record %q: there is none", id)
}

// store keeps what a commit would, once.
func (b *bench) store(records ...job.KeyRecord) {
	for _, r := range records {
		r.Info.ID = r.ContentID()
		if !slices.ContainsFunc(b.records, func(have job.KeyRecord) bool { return have.Info.ID == r.Info.ID }) {
			b.records = append(b.records, copyOf(r))
		}
	}
}

// walk is one run of a job.
type walk struct {
	*bench
	job    job.Job
	plan   *job.Plan
	memory json.RawMessage // as it was committed last
	step   string          // the step that is intended
	done   []string        // the steps that were carried out
	ending *job.Ending
}

// begin plans a job.
func (b *bench) begin(kind job.Kind, options job.Options) *walk {
	b.t.Helper()
	w := &walk{bench: b, job: job.Job{Request: job.Request{ID: "the-job", Kind: kind, Bay: "bay-1", Options: options}}}
	w.prepare()
	w.step = w.plan.Steps[0].Name
	return w
}

func (w *walk) prepare() {
	w.t.Helper()
	plan, err := w.book.Plan(w.job)
	w.must(err)
	if w.memory != nil {
		w.must(json.Unmarshal(w.memory, plan.Memory))
	}
	w.plan = plan
}

// run walks to the end of the job and returns its fault, nil for a pass.
func (w *walk) run() error {
	w.t.Helper()
	return w.runTo("")
}

// runTo walks until the named step is the next one, or the job is over.
func (w *walk) runTo(name string) error {
	w.t.Helper()
	for w.step != name {
		if err := w.next(); err != nil {
			w.close(job.Failed)
			return err
		}
		if w.ending != nil {
			w.close(w.ending.Verdict().State())
			return w.fault()
		}
	}
	return nil
}

func (w *walk) fault() error {
	if w.ending.Fault == nil {
		return nil
	}
	return &job.FaultError{Code: w.ending.Fault.Code, Err: errors.New(w.ending.Fault.Message)}
}

func (w *walk) close(state job.State) {
	w.plan.Close(context.Background(), state)
}

// next carries out one step and commits its outcome.
func (w *walk) next() error {
	i := w.index(w.step)
	out, err := w.do(i)
	if err != nil {
		return err
	}
	w.store(out.Records...)
	w.audit = append(w.audit, out.Audit...)
	w.memory, err = json.Marshal(w.plan.Memory)
	w.must(err)
	w.ending = out.End
	switch {
	case out.End != nil:
	case out.Next != "":
		w.step = out.Next
	default:
		w.step = w.plan.Steps[i+1].Name
	}
	return nil
}

func (w *walk) do(i int) (job.Outcome, error) {
	step := w.plan.Steps[i]
	w.done = append(w.done, step.Name)
	return step.Do(context.Background(), func(text string, _, _ int) {
		if !slices.Contains(w.said, text) {
			w.said = append(w.said, text)
		}
	})
}

func (w *walk) index(name string) int {
	i := slices.IndexFunc(w.plan.Steps, func(s job.Step) bool { return s.Name == name })
	if i < 0 {
		w.t.Fatalf("there is no step %q", name)
	}
	return i
}

// crash ends the station before the next step, and resume takes the job up.
func (w *walk) crash() {
	w.close(job.Running)
	w.restart()
}

func (w *walk) resume() error {
	w.t.Helper()
	w.prepare()
	for _, name := range w.plan.Steps[w.index(w.step)].Again {
		if _, err := w.do(w.index(name)); err != nil {
			w.close(job.Failed)
			return err
		}
	}
	return w.run()
}

// hasCode checks the fault code of an error; an empty one means no error.
func hasCode(t *testing.T, err error, code job.Code) {
	t.Helper()
	if (err == nil) != (code == "") || (err != nil && job.ReportOf(err).Code != code) {
		t.Errorf("the job ended with %v (%s), want %q", err, job.ReportOf(cmp.Or(err, errNone)).Code, code)
	}
}

var errNone = errors.New("no error")

func copyOf(r job.KeyRecord) job.KeyRecord {
	r.Raw, r.Block = secretCopy(r.Raw), secretCopy(r.Block)
	return r
}

func secretCopy(b secret.Bytes) secret.Bytes { return secret.Of(bytes.Clone(b.Reveal())) }
