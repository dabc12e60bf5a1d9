//go:build vm

package vm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"duogateway/job"
	"duogateway/test/vm"
	virtualduo "duogateway/virtual/duo"
)

// gatewayConfig is that of a station whose board comes over the network.
const gatewayConfig = `station = "power-cut"
store = "/disk/store"
on_plug = "off"
[keys]
escrow = "none"
[gesture]
ask_firmware = false
[button]
line = "none"
[[bay]]
name = "bay-1"
port = "1-1"
`

// gatewayScript starts a station with a board of the host, and then does what
// the host says.
const gatewayScript = `#!/bin/sh
virtualbench lines --from-chip=pinctrl-bcm2711:17:27 --to=%s &
virtualbench vhci --from=%s &
gatewayd run &
`

// patience is for one thing that a guest does.
const patience = 2 * time.Minute

// gateway is a station in a guest whose power may be cut. Its disk stays, and
// its board, which is on this machine.
type gateway struct {
	t           *testing.T
	board       *hostBoard
	fingerprint string // of the right key
	happened    chronicle
	shells      *shells
	options     vm.Options

	guest *vm.Guest
	shell *shell
	boot  string             // id of this boot of the kernel
	ends  map[string]job.Job // how jobs have ended
}

// newGateway makes a gateway without power, and a board that runs.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{t: t, shells: newShells(t), ends: map[string]job.Job{}}
	t.Cleanup(g.explain)
	g.board, g.fingerprint = newHostBoard(t)
	g.board.OnEvent(func(e virtualduo.Event) { g.happened.tell(fmt.Sprintf("board: %s %s", e.What, e.Detail)) })
	g.board.PowerOn()
	disk := filepath.Join(t.TempDir(), "disk")
	g.must(vm.NewDisk(t.Context(), disk, 64))
	files := programs(t, "amd64")
	files["/etc/gatewayd/gatewayd.toml"] = writeFile(t, gatewayConfig)
	g.options = vm.Options{
		Arch: "amd64", Disk: disk, Net: true, Files: files, Timeout: guestTime,
		Script: fmt.Sprintf(gatewayScript, g.board.lines, g.board.usb) + shellCommand(g.shells.address),
	}
	return g
}

// explain tells what has happened, if the test has failed.
func (g *gateway) explain() {
	if g.t.Failed() {
		g.t.Logf("what happened, with the time in seconds:\n%s", g.happened.String())
	}
	if g.t.Failed() && g.guest != nil {
		g.t.Logf("the last guest said:\n%s", g.guest.Output())
	}
}

func (g *gateway) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// start gives the gateway power and waits until the station answers.
func (g *gateway) start() {
	g.t.Helper()
	g.happened.tell("the gateway boots")
	g.guest = boot(g.t, g.options)
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	var err error
	g.shell, err = g.shells.next(ctx)
	g.must(err)
	g.boot, _, err = g.shell.output("cat /proc/sys/kernel/random/boot_id")
	g.must(err)
	g.boot = strings.TrimSpace(g.boot)
	_, err = g.shell.run("until [ -S /run/gatewayd/gatewayd.sock ]; do sleep 0.1; done", nil)
	g.must(err)
	g.happened.tell("the station answers")
}

// cut takes the power of the gateway away, and that of the board for a while
// if it hangs on the gateway's.
func (g *gateway) cut(withBoard bool) {
	g.guest.Kill()
	g.happened.tell("the power is cut")
	g.shell.close()
	if withBoard {
		g.board.PowerOff()
		g.board.PowerOn()
	}
}

// stop ends the gateway.
func (g *gateway) stop() {
	g.t.Helper()
	g.shell.close()
	if code, err := g.guest.Wait(); err != nil || code != 0 {
		g.t.Errorf("the guest ended with code %d, error %v", code, err)
	}
}

// do asks for a job, waits for its end and notes it. For the id of a job that
// is known that job is meant.
func (g *gateway) do(kind job.Kind, id string) job.Job {
	g.t.Helper()
	text, _, err := g.shell.output(fmt.Sprintf("gatewayd %s bay-1 --id %s --json", kind, id))
	g.must(err)
	j := g.parse(text)
	if _, known := g.ends[id]; !known {
		g.ends[id] = j
	}
	return j
}

// submit asks for a repair. What its command prints is told to the chronicle,
// until the repair is over or the power is cut: then the channel is closed.
func (g *gateway) submit(id string) (over <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := g.shell.run("gatewayd repair bay-1 --id "+id, func(line string) {
			if strings.HasPrefix(line, "job "+id+": ") {
				line = "the job is admitted: " + line
			}
			g.happened.tell(line)
		})
		if err != nil {
			g.happened.tell("the command has no answer")
		}
	}()
	return done
}

// await waits for something to happen in the repair of this round.
func (g *gateway) await(from int, text string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	g.must(g.happened.await(ctx, from, text))
}

// parse reads a job that gatewayd has printed.
func (g *gateway) parse(text string) (j job.Job) {
	g.t.Helper()
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		g.must(fmt.Errorf("reading a job: %w:\n%s", err, text))
	}
	return j
}
