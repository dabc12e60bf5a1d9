package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"duogateway/cloudsync"
	"duogateway/cloudsync/signature"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
)

// A child is a process of its own, so that it can be killed at any moment: a
// station with the real journal and the real link, whose jobs only write a line.

// childEnv holds the folder of a child's files and makes the process a child;
// brokerEnv is where it finds its broker.
const (
	childEnv  = "DUOGATEWAY_MQTT_CHILD"
	brokerEnv = "DUOGATEWAY_MQTT_BROKER"
)

// name is the name of the station.
const name = "bench-7"

// workFile has a line for each time that a job's work was done.
const workFile = "work"

var bays = []string{"A", "B", "C", "D"}

func runChild() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := child(ctx, os.Getenv(childEnv), os.Getenv(brokerEnv)); err != nil {
		fmt.Fprintln(os.Stderr, "the station:", err)
		os.Exit(1)
	}
}

func child(ctx context.Context, folder, broker string) (err error) {
	store, err := keystore.Open(filepath.Join(folder, "store"), keystore.Options{Post: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	clock := job.Clock{Boot: "chaos", Synchronised: func() bool { return true }}
	c := &crew{folder: folder, Store: store}
	cfg := station.Config{Finder: c, Journal: store, Recipes: c.plan, Clock: clock, Log: log}
	for _, bay := range bays {
		cfg.Bays = append(cfg.Bays, station.Bay{Name: bay, Port: "1-" + bay})
	}
	s, err := station.New(cfg)
	if err != nil {
		return err
	}
	link, err := cloudsync.New(
		cloudsync.Config{Station: name, Broker: broker, MinRetry: 5 * time.Millisecond, MaxRetry: 100 * time.Millisecond, ConnectTimeout: time.Second, AckTimeout: time.Second},
		cloudsync.Parts{
			Outbox: store, Snapshot: c, Clock: clock, Log: log, Session: store.NextSession,
			Desk: &cloudsync.Reception{Policy: policy(), Station: s, Answers: store, Clock: clock, Log: log},
		})
	if err != nil {
		return err
	}
	var work sync.WaitGroup
	work.Go(func() { s.Run(ctx) })
	work.Go(func() { link.Run(ctx) })
	work.Wait()
	return nil
}

func policy() signature.Policy {
	public, _ := signingKey()
	return signature.Policy{
		Station: name, Unsigned: signature.DefaultUnsigned(),
		Keys: []signature.Key{{ID: "operations", Public: public, Kinds: []job.Kind{job.Repair}}},
	}
}

// crew is everything around the station and the link.
type crew struct {
	*keystore.Store
	folder string
}

// Devices puts a board into each bay.
func (c *crew) Devices(context.Context) ([]station.Device, error) {
	var list []station.Device
	for _, bay := range bays {
		list = append(list, station.Device{Port: "1-" + bay, ID: "board-" + bay, Name: "Duo", Board: true})
	}
	return list, nil
}

// plan is a job of three steps, the second of which counts.
func (c *crew) plan(j job.Job) (*job.Plan, error) {
	step := func(name string, do func() (job.Outcome, error)) job.Step {
		return job.Step{Name: name, Writes: name == "work", Do: func(context.Context, job.Say) (job.Outcome, error) {
			time.Sleep(rand.N(10 * time.Millisecond))
			return do()
		}}
	}
	look := func() (job.Outcome, error) { return job.Outcome{}, nil }
	work := func() (job.Outcome, error) { return job.Outcome{}, c.count(j.ID) }
	end := func() (job.Outcome, error) {
		return job.Outcome{End: &job.Ending{Proof: job.NotConfigured}}, nil
	}
	return &job.Plan{
		Steps:  []job.Step{step("look", look), step("work", work), step("look-again", end)},
		Memory: &struct{}{},
		Result: func() job.Result { return job.Result{} },
		Close:  func(context.Context, job.State) {},
	}, nil
}

// count adds a line for a job, in one write.
func (c *crew) count(id string) error {
	file, err := os.OpenFile(filepath.Join(c.folder, workFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, id)
	return errors.Join(err, file.Close())
}

// Info and Bays are what the station tells beside its jobs.
func (c *crew) Info() (job.StationInfo, error) { return job.StationInfo{Station: name}, nil }

// Bays tells of each bay the newest job.
func (c *crew) Bays() ([]job.BayState, error) {
	var list []job.BayState
	for _, bay := range bays {
		_, last, err := c.Store.Bay(bay)
		if err != nil {
			return nil, err
		}
		list = append(list, job.BayState{Bay: bay, Running: last})
	}
	return list, nil
}

// Changed is the store's: bays change with their jobs. The link takes one value
// for both of what it asks.
func (c *crew) Changed() <-chan struct{} { return nil }
