package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"duogateway/daemon/client"
	"duogateway/duo"
	"duogateway/gpio"
	"duogateway/job"
	"duogateway/virtual/remote"
)

// Processes is a bench and a station as processes of their own: what a test
// kills and stops is real.
type Processes struct {
	T      *testing.T
	Folder string
	Bench  *remote.Client
	Client *client.Client

	bench, daemon *exec.Cmd
}

const processConfig = `station = "crash"
store = "%[1]s/store"
runtime = "%[1]s/run"
socket = "%[1]s/api.sock"
on_plug = "off"
[keys]
escrow = "none"
[gesture]
ask_firmware = false
hold = "%[2]v"
[[bay]]
name = "bay-1"
chip = "bench"
port = "1-1.1"
`

// NewProcesses starts a bench with one board without power. SETUP is held as
// long as hold says.
func NewProcesses(t *testing.T, hold time.Duration) *Processes {
	t.Helper()
	// The path of a socket has room for about a hundred characters.
	folder, err := os.MkdirTemp("", "duogateway-")
	p := &Processes{T: t, Folder: folder}
	p.must(err)
	t.Cleanup(func() { p.must(os.RemoveAll(folder)) })
	p.must(os.WriteFile(p.path("gatewayd.toml"), fmt.Appendf(nil, processConfig, folder, hold), 0o600))
	p.bench = p.start("bench", "--config", p.path("gatewayd.toml"), "--socket", p.path("bench.sock"))
	t.Cleanup(func() { p.end(p.bench) })
	p.await("the bench", func() bool {
		p.Bench, err = remote.Dial(p.path("bench.sock"))
		return err == nil
	})
	p.Client = client.New(p.path("api.sock"))
	t.Cleanup(func() {
		p.Client.Close()
		p.end(p.daemon)
		if t.Failed() {
			log, _ := os.ReadFile(p.path("daemon.log"))
			t.Logf("the daemon said:\n%s", log)
		}
	})
	return p
}

// StartDaemon starts the daemon and waits until it answers.
func (p *Processes) StartDaemon() {
	p.T.Helper()
	p.daemon = p.start("daemon", "--config", p.path("gatewayd.toml"), "--bench", p.path("bench.sock"))
	p.await("the daemon", func() bool {
		_, err := p.Client.Health(context.Background())
		return err == nil
	})
}

// KillDaemon ends the daemon as a crash does.
func (p *Processes) KillDaemon() {
	p.T.Helper()
	p.must(p.daemon.Process.Kill())
	_ = p.daemon.Wait() // it says that it was killed
	p.daemon = nil
}

// StopDaemon ends the daemon as systemd does.
func (p *Processes) StopDaemon() {
	p.T.Helper()
	p.end(p.daemon)
	p.daemon = nil
}

// Commission gives the board a sound key and power, and waits for its
// firmware.
func (p *Processes) Commission() *duo.PrivateKey {
	p.T.Helper()
	key, err := duo.NewPrivateKey()
	p.must(err)
	public := make([]byte, duo.PublicKeyReserved)
	copy(public, key.SPKI())
	p.must(errors.Join(
		p.Bench.WriteDCT(Bay, duo.PrivateKeyOffset, key.Fixed().Reveal()),
		p.Bench.WriteDCT(Bay, duo.PublicKeyOffset, public),
		p.Bench.Plug(Bay),
	))
	p.await("the board's firmware", func() bool { return p.seen(duo.ProductRun) })
	return key
}

func (p *Processes) seen(product uint16) bool {
	devices, err := p.Bench.Devices(context.Background())
	p.must(err)
	return len(devices) == 1 && devices[0].Product == product
}

// Do asks for a job and waits until it is over.
func (p *Processes) Do(request job.Request) job.Job {
	p.T.Helper()
	return p.Wait(p.Submit(request))
}

// Submit asks for a job and returns its id.
func (p *Processes) Submit(request job.Request) string {
	p.T.Helper()
	request.Bay = Bay
	j, err := p.Client.Submit(context.Background(), request)
	p.must(err)
	return j.ID
}

// Wait waits until a job is over, however often the daemon goes away meanwhile.
func (p *Processes) Wait(id string) job.Job {
	p.T.Helper()
	var j job.Job
	p.within(3*time.Minute, "the end of job "+id, func() bool {
		found, err := p.Client.Job(context.Background(), id)
		j = found
		return err == nil && j.State.Final()
	})
	return j
}

// AwaitRise waits for RESET to rise in a gesture, and returns when it did.
func (p *Processes) AwaitRise() time.Time {
	p.T.Helper()
	began := time.Now()
	var rose time.Time
	p.await("the rise of RESET", func() bool {
		events, err := p.Bench.Events(context.Background())
		p.must(err)
		for _, e := range events {
			if e.What == "reset-line" && e.Detail == "high" && e.At.After(began.Add(-100*time.Millisecond)) {
				rose = e.At
				return true
			}
		}
		return false
	})
	return rose
}

// Gesture finds the process of the gesture that is being made. It says false
// when there is none.
func (p *Processes) Gesture() (*os.Process, bool) {
	p.T.Helper()
	text, err := os.ReadFile(filepath.Join(p.Folder, "run", Bay+".gesture"))
	if err != nil {
		return nil, false
	}
	var marker gpio.Marker
	p.must(json.Unmarshal(text, &marker))
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", marker.Process.PID))
	if err != nil || !strings.Contains(string(command), p.path("bench.sock")) || marker.Phase == gpio.PhaseOver {
		return nil, false
	}
	process, err := os.FindProcess(marker.Process.PID)
	return process, err == nil
}

func (p *Processes) start(args ...string) *exec.Cmd {
	p.T.Helper()
	log, err := os.OpenFile(p.path(args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	p.must(err)
	defer func() { p.must(log.Close()) }()
	cmd := exec.Command(Binary(p.T, "virtualbench"), args...)
	cmd.Stdout, cmd.Stderr = log, log
	p.must(cmd.Start())
	return cmd
}

func (p *Processes) end(cmd *exec.Cmd) {
	p.T.Helper()
	if cmd == nil {
		return
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.T.Errorf("ending %s: %v", cmd, err)
	}
	if err := cmd.Wait(); err != nil {
		p.T.Errorf("%s: %v", cmd, err)
	}
}

func (p *Processes) await(what string, there func() bool) {
	p.T.Helper()
	p.within(30*time.Second, what, there)
}

func (p *Processes) within(limit time.Duration, what string, there func() bool) {
	p.T.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if there() {
			return
		}
	}
	p.T.Fatalf("waited %v for %s", limit, what)
}

func (p *Processes) path(name string) string { return filepath.Join(p.Folder, name) }

func (p *Processes) must(err error) {
	p.T.Helper()
	if err != nil {
		p.T.Fatal(err)
	}
}
