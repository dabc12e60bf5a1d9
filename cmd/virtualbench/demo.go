package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"duogateway/daemon/client"
	"duogateway/job"
	"duogateway/virtual/remote"
)

// demoCmd is `virtualbench demo`.
type demoCmd struct {
	JSON bool   `name:"json" help:"Print the summary as one line of JSON, the last one on stdout; the steps go to stderr."`
	Key  string `placeholder:"FILE" help:"Original private key of the board in bay-1, RSA of 1024 bits in DER (default: a new one)."`
	Stay bool   `help:"Leave the bench and the station running until Ctrl-C."`
}

// Names in the demo.
const (
	stationName = "demo"

	lostBay     = "bay-1" // its key is lost, and there is a proven record of it
	hopelessBay = "bay-2" // its key is damaged, and there is no record
)

// startTime bounds how long a process or a board may take to show itself.
const startTime = 20 * time.Second

// Run shows the main job, from the press of the button to the verdicts.
func (c demoCmd) Run(ctx context.Context) (err error) {
	out := io.Writer(os.Stdout)
	if c.JSON {
		out = os.Stderr
	}
	folder, err := os.MkdirTemp("", "duogateway-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	scene, err := newScene(folder, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scene.end()) }()
	summary, err := scene.play(ctx, c.Key)
	if err != nil {
		return err
	}
	summary.write(out)
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(summary); err != nil {
			return err
		}
	}
	if c.Stay {
		scene.stay(ctx)
	}
	return summary.check()
}

// scene is a bench and a station, in processes of their own.
type scene struct {
	out        io.Writer
	folder     string
	began      time.Time
	operations *operations
	bench      *process
	station    *process
	remote     *remote.Client
	daemon     *client.Client
}

// play sets the boards up, presses the button, lets somebody ask from afar, and
// reads the end of it back.
func (s *scene) play(ctx context.Context, keyFile string) (summary, error) {
	key, err := originalKey(keyFile)
	if err != nil {
		return summary{}, err
	}
	defer key.Clear()
	s.say("Two virtual Duos on a bench; the real daemon drives their lines and USB.")
	if err := s.startBench(ctx); err != nil {
		return summary{}, err
	}
	if err := s.prepare(ctx, key); err != nil {
		return summary{}, err
	}
	if err := s.startDaemon(ctx); err != nil {
		return summary{}, err
	}
	mark := s.eventCount(ctx)
	s.say("\nThe technician presses the button of the station.\n")
	if err := s.remote.Press("", 200*time.Millisecond); err != nil {
		return summary{}, fmt.Errorf("pressing the button: %w", err)
	}
	jobs, err := s.watchJobs(ctx)
	if err != nil {
		return summary{}, err
	}
	s.say("\nRemote operations ask for a diagnosis of bay-1, over MQTT.\n")
	if err := s.operations.diagnose(ctx, lostBay, s.say); err != nil {
		return summary{}, err
	}
	return s.summarise(ctx, jobs, mark)
}

func (s *scene) startBench(ctx context.Context) (err error) {
	if s.bench, err = startSelf(s.path("bench.log"), "bench", "--config", s.path("gatewayd.toml"), "--socket", s.path("bench.sock")); err != nil {
		return err
	}
	return s.await(ctx, "the bench", s.bench, func() (bool, error) {
		s.remote, err = remote.Dial(s.path("bench.sock"))
		return err == nil, nil
	})
}

func (s *scene) startDaemon(ctx context.Context) (err error) {
	if s.station, err = startSelf(s.path("daemon.log"), "daemon", "--config", s.path("gatewayd.toml"), "--bench", s.path("bench.sock")); err != nil {
		return err
	}
	s.daemon = client.New(s.path("gatewayd.sock"))
	return s.await(ctx, "the daemon", s.station, func() (bool, error) {
		bays, err := s.daemon.Bays(ctx)
		if err != nil {
			return false, nil
		}
		for _, b := range bays {
			if !b.Occupied {
				return false, nil
			}
		}
		return true, nil
	})
}

// watchJobs shows the steps of the jobs that the button has started, until all
// are over.
func (s *scene) watchJobs(ctx context.Context) (map[string]job.Job, error) {
	jobs, shown := map[string]job.Job{}, map[string]int{}
	pressed := time.Now()
	for {
		list, err := s.daemon.Jobs(ctx, 10)
		if err != nil {
			return nil, err
		}
		over := 0
		for _, j := range list {
			jobs[j.Bay] = j
			shown[j.Bay] = s.showSteps(j, shown[j.Bay], pressed)
			if j.State.Final() {
				over++
			}
		}
		if over == 2 {
			return jobs, nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (s *scene) showSteps(j job.Job, from int, pressed time.Time) int {
	for _, step := range j.Steps[from:] {
		mark := "ok  "
		if step.Failed {
			mark = "FAIL"
		}
		s.say("  %5.1f s  %s  %s %-12s %s", step.Ended.At.Sub(pressed).Seconds(), j.Bay, mark, step.Name, step.Detail)
	}
	return len(j.Steps)
}

// stay keeps everything running until ctx ends, and says how to use it.
func (s *scene) stay(ctx context.Context) {
	s.say("\nThe bench and the station stay until Ctrl-C. In another terminal:\n"+
		"  export GATEWAYD_SOCKET=%s\n"+
		"  bin/gatewayd bays\n"+
		"  bin/gatewayd diagnose bay-1\n"+
		"  bin/gatewayd keys\n"+
		"%s", s.path("gatewayd.sock"), byHand(s.operations.address, stationName, lostBay))
	<-ctx.Done()
}

func (s *scene) eventCount(ctx context.Context) uint64 {
	events, err := s.remote.Events(ctx)
	if err != nil || len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Number
}

func (s *scene) path(name string) string { return filepath.Join(s.folder, name) }

func (s *scene) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// await asks until it is told yes, or the process it waits for has ended.
func (s *scene) await(ctx context.Context, what string, p *process, there func() (bool, error)) error {
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); {
		if ok, err := there(); ok || err != nil {
			return err
		}
		if p.ended() {
			return fmt.Errorf("waiting for %s: its process has ended: %s", what, p.lastWords())
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("waiting for %s: it did not come up within %v: %s", what, startTime, p.lastWords())
}

// end stops the processes.
func (s *scene) end() error {
	if s.daemon != nil {
		s.daemon.Close()
	}
	return errors.Join(s.station.stop(), s.bench.stop(), s.operations.close())
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
