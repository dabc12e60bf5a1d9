package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"duogateway/daemon/metrics"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/recipe"
	"duogateway/station"
)

// stopTime bounds how long the local API may take to say good-bye. A client
// that has connected and asks nothing is waited for that long.
const stopTime = 2 * time.Second

// headerTime bounds how long a client may take to say what it asks.
const headerTime = 5 * time.Second

// Run runs a station until ctx ends. Jobs that are not over then are taken up
// by the next run. Errors carry fault codes.
func Run(ctx context.Context, cfg Config, parts Parts) (err error) {
	escrow, err := cfg.Keys.Recipients()
	if err != nil {
		return fmt.Errorf("keys.escrow: %w", err)
	}
	store, err := keystore.Open(cfg.Store, cfg.storeOptions(escrow))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d, err := New(cfg, parts, store)
	if err != nil {
		return err
	}
	listener, err := listen(cfg.Socket)
	if err != nil {
		return err
	}
	var work sync.WaitGroup
	work.Go(func() { d.serve(ctx, listener) })
	work.Go(func() { d.showMetrics(ctx) })
	d.Work(ctx)
	work.Wait()
	return nil
}

// Daemon is a station put together. Run is the usual way to have one.
type Daemon struct {
	Config
	Parts
	store   *keystore.Store
	station *station.Station
	bays    map[string]*recipe.Bay
	steps   *metrics.Steps
	link    *link // nil without a broker
	stuck   bool  // lines could not be let go at the start
}

// New puts a station together, with an open store. Nothing moves yet.
func New(cfg Config, parts Parts, store *keystore.Store) (*Daemon, error) {
	d := &Daemon{Config: cfg, Parts: parts, store: store, steps: metrics.NewSteps(), bays: map[string]*recipe.Bay{}}
	if err := os.MkdirAll(cfg.Runtime, 0o750); err != nil {
		return nil, fmt.Errorf("making the runtime folder: %w", err)
	}
	var journal station.Journal = store
	if parts.Journal != nil {
		journal = parts.Journal(store)
	}
	var console recipe.Console
	if cfg.Gesture.AskFirmware {
		console = parts.Console
	}
	var places []station.Bay
	for _, b := range cfg.Bays {
		places = append(places, station.Bay{Name: b.Name, Port: b.Port, OnPlug: cfg.plugKind(b)})
		d.bays[b.Name] = recipe.NewBay(b.Name, port{parts.Bus, b.Port}, lines{parts.Gestures, b.Lines()}, console)
	}
	book := &recipe.Book{Bays: d.bays, Records: store, Images: images{cfg.ImagesFolder()}, Clock: parts.Clock, Log: parts.Log}
	var err error
	d.station, err = station.New(station.Config{
		Bays:    places,
		Finder:  finder{parts.Bus, cfg.Bays},
		Journal: d.steps.Watch(journal),
		Recipes: book.Plan,
		Clock:   parts.Clock,
		Log:     parts.Log,
	})
	if err == nil && cfg.MQTT.On() {
		d.link, err = d.newLink()
	}
	return d, err
}

// Station is the station, to ask for jobs.
func (d *Daemon) Station() *station.Station { return d.station }

// Work lets go of lines that an earlier run left, and then runs the bays, the
// button, the lights and the link until ctx ends. The link ends last, and tells
// how the jobs stand then.
func (d *Daemon) Work(ctx context.Context) {
	d.letLinesGo(ctx)
	var work sync.WaitGroup
	work.Go(func() { d.station.Run(ctx) })
	work.Go(func() { d.answerButton(ctx) })
	lit, darken := context.WithCancel(context.WithoutCancel(ctx))
	defer darken()
	var lights sync.WaitGroup
	lights.Go(func() { d.showLights(lit) })
	online, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	var talk sync.WaitGroup
	talk.Go(func() { d.talk(online) })
	defer context.AfterFunc(ctx, d.hangUp)()
	work.Wait() // a write may go on for a while, and the lights say so
	darken()
	lights.Wait()
	d.letLinesGo(context.WithoutCancel(ctx))
	leave()
	talk.Wait()
}

// letLinesGo ends what an earlier run left at the lines, by the one rule, and
// tells the recipes how it ended. // P2
func (d *Daemon) letLinesGo(ctx context.Context) {
	var all []gpio.Bay
	for _, b := range d.Bays {
		all = append(all, b.Lines())
	}
	results, err := d.Gestures.CleanUp(ctx, all...)
	for _, r := range results {
		d.bays[r.Bay].Heard(r)
		if ending := r.Err(); ending != nil {
			d.Log.Warn("an earlier gesture did not end well", "bay", r.Bay, "error", ending)
		}
	}
	d.stuck = err != nil
	if err != nil {
		d.Log.Error("the lines could not all be let go", "error", err)
	}
}

// serve answers on the local socket until ctx ends.
func (d *Daemon) serve(ctx context.Context, listener net.Listener) {
	server := &http.Server{
		Handler:           d.handler(),
		ReadHeaderTimeout: headerTime,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the watches
		ErrorLog:          slog.NewLogLogger(d.Log.Handler(), slog.LevelError),
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.Log.Error("the local API has stopped", "error", err)
		}
	})
	d.Log.Info("ready", "station", d.Config.Station, "bays", len(d.Bays), "socket", d.Socket)
	if d.Ready != nil {
		d.Ready()
	}
	<-ctx.Done()
	d.Log.Info("stopping")
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := server.Shutdown(bye); err != nil {
		d.Log.Warn("some clients did not let go", "error", err)
		_ = server.Close()
	}
	serving.Wait()
}

// handler is the local API.
func (d *Daemon) handler() http.Handler {
	return (&api{station: d.station, store: d.store, images: images{d.ImagesFolder()}, clock: d.Clock, health: d.health}).handler()
}

// answerButton turns presses into jobs.
func (d *Daemon) answerButton(ctx context.Context) {
	if d.Parts.Button == nil {
		return
	}
	for {
		bay, held, err := d.Parts.Button.Press(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.Log.Error("the button cannot be watched any more", "error", err)
			return
		}
		if err := d.pressed(bay, held); err != nil {
			d.Log.Warn("the button was pressed for nothing", "bay", bay, "error", err)
		}
	}
}

// pressed asks for a job on a bay, or on every occupied one.
func (d *Daemon) pressed(bay string, held time.Duration) error {
	kind := job.Repair
	if held >= diagnoseHold {
		kind = job.Diagnose
	}
	bays := []string{bay}
	if bay == "" {
		var err error
		if bays, err = d.occupied(); err != nil {
			return err
		}
	}
	var failed []error
	for _, name := range bays {
		if d.busy(name) {
			d.Log.Info("the bay is busy: the press does nothing", "bay", name)
			continue
		}
		_, err := d.station.Admit(job.Request{Kind: kind, Bay: name, Source: job.FromButton})
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// busy tells whether a bay has a job, running or waiting. A button that is
// pressed again while it works means the same job.
func (d *Daemon) busy(bay string) bool {
	all, err := d.station.Bays()
	return err == nil && slices.ContainsFunc(all, func(b station.Status) bool {
		return b.Name == bay && (b.Running != "" || b.Waiting > 0)
	})
}

func (d *Daemon) occupied() ([]string, error) {
	all, err := d.station.Bays()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, b := range all {
		if b.Occupied {
			names = append(names, b.Name)
		}
	}
	if names == nil {
		return nil, errNoBay
	}
	return names, nil
}
