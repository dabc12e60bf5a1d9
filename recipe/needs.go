package recipe

import (
	"context"
	"log/slog"

	"duogateway/dfu"
	"duogateway/gpio"
	"duogateway/job"
)

// Board is the USB port of one bay, and the board on it.
type Board interface {
	// Look tells what is on the port now, and false when nothing is. More than
	// one device on the port is an error.
	Look(ctx context.Context) (dfu.Attachment, bool, error)

	// Open opens what Look has found.
	Open(ctx context.Context, a dfu.Attachment) (dfu.Transport, error)
}

// Gesturer drives the lines of one bay. The errors are those of gpio.
type Gesturer interface {
	// EnterDFU holds SETUP over a RESET. It does not look whether the board
	// then is in DFU mode.
	EnterDFU(ctx context.Context) (gpio.Result, error)

	// Reset pulses RESET and leaves SETUP alone.
	Reset(ctx context.Context) error

	// Acknowledge says that the ending of the last gesture is journalled.
	Acknowledge() error
}

// Console reaches the running firmware of a board by its serial port on USB.
type Console interface {
	// EnterDFU asks the firmware on a USB port, named with its bus, to restart in
	// DFU mode. It does not look whether the board then is in DFU mode. After an
	// error it was not asked.
	EnterDFU(ctx context.Context, port string) error
}

// Records finds saved keys. The errors carry fault codes.
type Records interface {
	// AllRecords lists the key records of all boards, oldest first.
	AllRecords() ([]job.RecordInfo, error)

	// Record opens one.
	Record(id string) (job.KeyRecord, error)
}

// Images finds firmware images by their SHA-256. The errors carry fault codes.
type Images interface {
	// Image returns a whole image.
	Image(sha256 string) ([]byte, error)
}

// Bay is what a recipe is given of a bay. It lasts as long as the daemon.
type Bay struct {
	Name    string
	Board   Board
	Lines   Gesturer
	Console Console // nil when firmware is not to be asked

	endings endings
}

// NewBay makes a bay. Console may be nil.
func NewBay(name string, board Board, lines Gesturer, console Console) *Bay {
	return &Bay{Name: name, Board: board, Lines: lines, Console: console}
}

// Heard takes note of how a gesture ended that an earlier run of the daemon
// began. The next job of the bay has to deal with it.
func (b *Bay) Heard(result gpio.Result) {
	if result.Outcome != gpio.Idle {
		b.endings.note(result)
	}
}

// Book makes the plans of jobs.
type Book struct {
	Bays    map[string]*Bay
	Records Records
	Images  Images
	Clock   job.Clock
	Log     *slog.Logger
}

// kinds has the recipe of each kind of job.
var kinds = map[job.Kind]func(*visit) []job.Step{
	job.Diagnose:   diagnoseSteps,
	job.Backup:     backupSteps,
	job.Repair:     repairSteps,
	job.Restore:    restoreSteps,
	job.Regenerate: regenerateSteps,
	job.ServerKey:  serverKeySteps,
	job.FactoryDCT: factoryDCTSteps,
	job.Flash:      flashSteps,
}

// Plan makes the plan of a job, or refuses one that no board could satisfy.
func (b *Book) Plan(j job.Job) (*job.Plan, error) {
	bay := b.Bays[j.Bay]
	if bay == nil {
		return nil, job.Failf(job.UnknownBay, "bay %q: this station has no such bay", j.Bay)
	}
	if err := b.checkNamed(j); err != nil {
		return nil, err
	}
	v := &visit{Bay: bay, book: b, job: j}
	steps := kinds[j.Kind]
	if steps == nil {
		return nil, job.Failf(job.UnknownKind, "job kind %q: want one of %v", j.Kind, job.Kinds())
	}
	if _, err := v.stated(); err != nil {
		return nil, err
	}
	return v.plan(steps(v)), nil
}

// checkNamed makes sure that the station has what a job names, before the board
// is touched for it. A job that is taken up again has been through this.
func (b *Book) checkNamed(j job.Job) error {
	if j.State != job.Queued {
		return nil
	}
	for _, image := range j.Options.Images {
		if _, err := b.Images.Image(image.SHA256); err != nil {
			return err
		}
	}
	if j.Options.Record == "" {
		return nil
	}
	record, err := b.Records.Record(j.Options.Record)
	record.Raw.Clear()
	record.Block.Clear()
	return err
}
