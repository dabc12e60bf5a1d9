package daemon

import (
	"context"
	"log/slog"
	"time"

	"duogateway/dfu"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/recipe"
	"duogateway/station"
)

// Parts is the hardware of a station, and what else differs between a real
// one and a bench.
type Parts struct {
	Bus      dfu.Bus
	Gestures Gestures
	Button   Button         // nil when there is none
	Lights   Lights         // nil when there are none
	Console  recipe.Console // nil when there are no serial ports
	Clock    job.Clock
	Log      *slog.Logger
	Version  string

	// Journal may wrap the journal, to watch it or to make it fail. Nil leaves
	// it as it is.
	Journal func(station.Journal) station.Journal

	// Ready is called once the local API answers. Nil is allowed.
	Ready func()
}

// Gestures drives the lines of all bays; gpio.Runner does, and its methods are
// explained there.
type Gestures interface {
	// EnterDFU makes the gesture that brings a board into DFU mode.
	EnterDFU(ctx context.Context, bay gpio.Bay) (gpio.Result, error)
	// Reset pulses RESET.
	Reset(ctx context.Context, bay gpio.Bay) error
	// CleanUp lets the lines of the bays go, by the one rule, and tells how
	// the gestures that it found had ended.
	CleanUp(ctx context.Context, bays ...gpio.Bay) ([]gpio.Result, error)
	// Acknowledge says that the ending of a bay's last gesture is journalled.
	Acknowledge(bay string) error
}

// Button waits for a technician.
type Button interface {
	// Press waits for the next press and tells for which bay, and how long the
	// button was held. An empty bay means every occupied one.
	Press(ctx context.Context) (bay string, held time.Duration, err error)
}

// diagnoseHold is how long a press must be to ask for a diagnosis alone.
const diagnoseHold = 5 * time.Second
