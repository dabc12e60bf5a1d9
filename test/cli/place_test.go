package cli_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"duogateway/daemon/client"
	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
	"duogateway/virtual/remote"
)

// place is a folder with a bench and a daemon in processes of their own.
type place struct {
	folder string
	env    []string
	bench  *process
	daemon *process
	remote *remote.Client
	client *client.Client
	keys   [][]byte // private keys that boards here have had, DER

	operations *operations // nil without a broker
}

// theConfig is the configuration of a place that has none of its own; $WORK is
// its folder.
const theConfig = `station = "test"
store = "$WORK/store"
runtime = "$WORK/run"
socket = "$WORK/gatewayd.sock"
on_plug = "off"
[keys]
escrow = "none"
[gesture]
ask_firmware = false
[[bay]]
name = "bay-1"
chip = "bench"
port = "1-1.1"
[[bay]]
name = "bay-2"
chip = "bench"
reset = "GPIO22"
setup = "GPIO23"
port = "1-1.2"
`

// limit bounds everything that is waited for.
const limit = 30 * time.Second

func (p *place) path(name string) string { return filepath.Join(p.folder, name) }

// process is one that was started here.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan error
}

// start starts a program; what it prints is added to a log.
func (p *place) start(log, program string, args ...string) (*process, error) {
	file, err := os.OpenFile(p.path(log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // the program has it
	started := &process{cmd: exec.Command(filepath.Join(binaries, program), args...), log: file.Name(), done: make(chan error, 1)}
	started.cmd.Dir, started.cmd.Env = p.folder, p.env
	started.cmd.Stdout, started.cmd.Stderr = file, file
	if err := started.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { started.done <- started.cmd.Wait() }()
	return started, nil
}

// end sends a signal and waits for the end, which must be a clean one.
func (r *process) end(signal os.Signal) error {
	if err := r.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-r.done:
		if err != nil && signal != syscall.SIGKILL {
			return fmt.Errorf("%s ended with %w:\n%s", r.cmd.Path, err, r.output())
		}
		return nil
	case <-time.After(limit):
		return fmt.Errorf("%s did not end within %v of %v", r.cmd.Path, limit, signal)
	}
}

func (r *process) output() string {
	text, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// await asks until it is told yes.
func await(what string, there func() bool) error {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if there() {
			return nil
		}
	}
	return fmt.Errorf("%s: not within %v", what, limit)
}

// startBench starts a bench for the bays of a configuration.
func (p *place) startBench(config string) (err error) {
	if p.bench, err = p.start("bench.log", "virtualbench", "bench", "--config", p.path(config), "--socket", p.path("bench.sock")); err != nil {
		return err
	}
	return await("the bench", func() bool {
		p.remote, err = remote.Dial(p.path("bench.sock"))
		return err == nil
	})
}

// startDaemon starts a daemon and waits until it answers.
func (p *place) startDaemon(config string) (err error) {
	if p.daemon, err = p.start("daemon.log", "virtualbench", "daemon", "--config", p.path(config), "--bench", p.path("bench.sock")); err != nil {
		return err
	}
	if p.client == nil {
		p.client = client.New(p.path("gatewayd.sock"))
	}
	return await("the daemon", func() bool {
		_, err := p.client.Health(context.Background())
		return err == nil || len(p.daemon.done) > 0
	})
}

// stopDaemon ends the daemon by a signal.
func (p *place) stopDaemon(signal os.Signal) error {
	daemon := p.daemon
	p.daemon = nil
	return daemon.end(signal)
}

// end ends what still runs.
func (p *place) end() error {
	var wrong []error
	if p.daemon != nil {
		wrong = append(wrong, p.stopDaemon(syscall.SIGTERM))
	}
	if p.client != nil {
		p.client.Close()
	}
	if p.bench != nil {
		wrong = append(wrong, p.bench.end(syscall.SIGTERM))
	}
	if p.operations != nil {
		wrong = append(wrong, p.operations.end())
	}
	return errors.Join(wrong...)
}

// commission gives the board in a bay a key, power, and time to start.
func (p *place) commission(bay string, der []byte) error {
	key, err := duo.ImportPrivateKey(der)
	if err != nil {
		return err
	}
	p.keys = append(p.keys, der)
	public := make([]byte, duo.PublicKeyReserved)
	copy(public, key.SPKI())
	err = errors.Join(
		p.remote.WriteDCT(bay, duo.PrivateKeyOffset, key.Fixed().Reveal()),
		p.remote.WriteDCT(bay, duo.PublicKeyOffset, public),
		p.remote.WriteDCT(bay, wordsOffset, []byte(secretWords)),
		p.remote.Plug(bay),
	)
	return errors.Join(err, p.awaitRunning(bay))
}

// damage overwrites the private key of a board while it has no power, with
// zeros or with garbage. Nothing is left of it to put it together again.
func (p *place) damage(bay string, garbage bool) error {
	field := make([]byte, duo.PrivateKeyReserved)
	for i := range field {
		if garbage {
			field[i] = byte(i*7 + 3)
		}
	}
	err := errors.Join(
		p.remote.Unplug(bay),
		p.remote.WriteDCT(bay, duo.PrivateKeyOffset, field), // in one copy of the DCT
		p.remote.WriteDCT(bay, duo.PrivateKeyOffset, field), // and in the other
		p.remote.Plug(bay),
	)
	return errors.Join(err, p.awaitRunning(bay))
}

// awaitRunning waits until the bench has a running board on the port of a bay.
func (p *place) awaitRunning(bay string) error {
	return await("the board in "+bay, func() bool {
		events, err := p.remote.Events(context.Background())
		running := false
		for _, e := range events {
			switch {
			case e.Bay == bay && e.What == string(virtualduo.BusJoined):
				running = e.Detail == "c058"
			case e.Bay == bay && e.What == string(virtualduo.BusLeft):
				running = false
			}
		}
		return err == nil && running
	})
}
