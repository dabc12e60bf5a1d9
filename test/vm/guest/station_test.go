//go:build guest

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"duogateway/daemon/client"
	"duogateway/gpio"
	"duogateway/job"
)

// station is gatewayd, as it is on an appliance, with a store of its own.
type station struct {
	t      *testing.T
	folder string
	client *client.Client
	daemon *exec.Cmd
}

// newStation gives a station its configuration. What all stations of these
// tests have in common is in front of it.
func newStation(t *testing.T, config string) *station {
	t.Helper()
	folder := t.TempDir()
	s := &station{t: t, folder: folder, client: client.New(filepath.Join(folder, "api.sock"))}
	common := fmt.Sprintf("station = %q\nstore = %q\nruntime = %q\nsocket = %q\non_plug = \"off\"\n",
		"guest", s.path("store"), s.path("run"), s.path("api.sock"))
	must(t, os.WriteFile(s.path("gatewayd.toml"), []byte(common+config), 0o600))
	t.Cleanup(func() {
		s.client.Close()
		if s.daemon != nil {
			s.stop()
		}
		if t.Failed() {
			log, _ := os.ReadFile(s.path("log")) // nothing, if it has not run
			t.Logf("gatewayd said:\n%s", log)
		}
	})
	return s
}

// stationOf makes a station with bays of this process. It has one light, by
// which gatewayd tries whether the kernel lets go of lines.
func stationOf(t *testing.T, hold time.Duration, bays ...*bay) *station {
	t.Helper()
	config := fmt.Sprintf(`
[keys]
escrow = "none"
[gesture]
ask_firmware = false
hold = %q
[button]
line = "none"
[lights]
green = %q
red = "none"
blue = "none"
`, hold, gpioLines.take(t, 1)[0])
	for _, b := range bays {
		config += fmt.Sprintf("[[bay]]\nname = %q\nchip = %q\nport = %q\nreset = %q\nsetup = %q\nwiring = %q\n",
			b.name, chipLabel, b.port, b.reset, b.setup, b.wiring)
	}
	return newStation(t, config)
}

func (s *station) path(name string) string { return filepath.Join(s.folder, name) }

// start starts gatewayd and waits until it answers.
func (s *station) start() {
	s.t.Helper()
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(s.t, err)
	defer func() { must(s.t, log.Close()) }()
	s.daemon = exec.Command("gatewayd", "run", "--config", s.path("gatewayd.toml"))
	s.daemon.Stdout, s.daemon.Stderr = log, log
	must(s.t, s.daemon.Start())
	await(s.t, 30*time.Second, "gatewayd", func() bool {
		_, err := s.client.Health(context.Background())
		return err == nil
	})
}

// stop ends gatewayd as its unit does.
func (s *station) stop() {
	s.t.Helper()
	must(s.t, s.daemon.Process.Signal(syscall.SIGTERM))
	if err := s.daemon.Wait(); err != nil {
		s.t.Errorf("gatewayd run: %v", err)
	}
	s.daemon = nil
}

// kill ends gatewayd as a crash does.
func (s *station) kill() {
	s.t.Helper()
	must(s.t, s.daemon.Process.Kill())
	_ = s.daemon.Wait() // it says that it was killed
	s.daemon = nil
}

// submit asks for a job and returns its id.
func (s *station) submit(kind job.Kind, bay string) string {
	s.t.Helper()
	j, err := s.client.Submit(context.Background(), job.Request{Kind: kind, Bay: bay})
	must(s.t, err)
	return j.ID
}

// wait waits until a job is over, however often gatewayd goes away meanwhile.
func (s *station) wait(id string) (over job.Job) {
	s.t.Helper()
	await(s.t, 2*time.Minute, "the end of job "+id, func() bool {
		found, err := s.client.Job(context.Background(), id)
		over = found
		return err == nil && found.State.Final()
	})
	return over
}

// waitPass waits until a job is over, and asks for it again as long as its fault
// says that this may help: a busy machine may be too late for a board. It must
// pass in the end.
func (s *station) waitPass(id string) (over job.Job) {
	s.t.Helper()
	for range 3 {
		over = s.wait(id)
		if over.Fault == nil || !over.Fault.Retryable {
			break
		}
		s.t.Logf("the %s in bay %s is %s, so once more: %+v", over.Kind, over.Bay, over.State, over.Fault)
		id = s.submit(over.Kind, over.Bay)
	}
	if over.Verdict != job.Pass {
		s.t.Errorf("the %s in bay %s is %s: %+v", over.Kind, over.Bay, over.State, over.Fault)
	}
	return over
}

// gesture is what the marker in the runtime folder tells of the gesture that a
// bay is making; nil when it makes none.
func (s *station) gesture(bay string) *gpio.Marker {
	s.t.Helper()
	text, err := os.ReadFile(s.path(filepath.Join("run", bay+".gesture")))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	must(s.t, err)
	marker, err := gpio.ParseMarker(text)
	must(s.t, err)
	if marker.Phase == gpio.PhaseOver {
		return nil
	}
	return &marker
}

// awaitRise waits until RESET has risen in a gesture of a bay.
func (s *station) awaitRise(bay string) (marker gpio.Marker) {
	s.t.Helper()
	await(s.t, 30*time.Second, "RESET to rise in bay "+bay, func() bool {
		found := s.gesture(bay)
		if found == nil || found.Phase != gpio.PhaseRisen {
			return false
		}
		marker = *found
		return true
	})
	return marker
}
