//go:build vm

package vm_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/secret"
	virtualduo "duogateway/virtual/duo"
)

// usualRounds is how often the power is cut when ROUNDS says nothing.
const usualRounds = 5

// moment is when the power is cut: a random time, at most within, after
// something was told of a repair.
type moment struct {
	name, told string
	within     time.Duration
}

// moments are spread over a repair. As many as there are rounds are taken, in
// this order.
var moments = []moment{
	{"SETUP is held", "reset-line high", 3300 * time.Millisecond},
	{"the DCT is being written", "host-write", 0},
	{"some time", "the job is admitted", 9 * time.Second},
	{"the backup is committed", "ok     back-up", 0},
	{"the board leaves", "ok     read-back", 700 * time.Millisecond},

	{"the job is admitted", "the job is admitted", 0},
	{"SETUP goes low", "setup-line low", 20 * time.Millisecond},
	{"RESET is low", "reset-line low", 20 * time.Millisecond},
	{"the bootloader runs", "attached d058", 400 * time.Millisecond},
	{"the DCT is being erased and programmed", "host-write", 500 * time.Millisecond},
	{"the write is committed", "ok     write", 0},
	{"the firmware starts", "attached c058", 300 * time.Millisecond},
	{"the job has ended", "verdict pass", 0},
	{"soon after", "verdict pass", time.Second},
}

// The power of the gateway is cut in the middle of repairs, about every other
// time together with the board's. After the boot the job goes on, or was over
// and stays so, and the right key is on the board. // P1, P3, P5
func TestGatewayPowerCut(t *testing.T) {
	rounds, seed := usualRounds, uint64(time.Now().UnixNano())
	fromEnvironment(t, "ROUNDS", func(text string) (err error) { rounds, err = strconv.Atoi(text); return err })
	fromEnvironment(t, "SEED", func(text string) (err error) { seed, err = strconv.ParseUint(text, 10, 64); return err })
	t.Logf("%d rounds, SEED=%d", rounds, seed)
	g := newGateway(t)
	g.start()
	if j := g.do(job.Backup, "the-backup"); j.Verdict != job.Pass {
		g.must(fmt.Errorf("the key of the board could not be saved: %+v", j.Fault))
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range rounds {
		g.round(fmt.Sprintf("round-%d", i+1), moments[i%len(moments)], random)
	}
	g.checkEnds()
	g.stop()
}

// fromEnvironment reads a variable, if it is set.
func fromEnvironment(t *testing.T, name string, read func(text string) error) {
	t.Helper()
	if text := os.Getenv(name); text != "" {
		if err := read(text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// round damages the board, begins a repair, cuts the power, boots, and sees how
// the repair ends.
func (g *gateway) round(id string, at moment, random *rand.Rand) {
	g.t.Helper()
	began, from := time.Now(), g.happened.now()
	backup := g.loseKey()
	request := g.submit(id)
	g.await(from, at.told)
	after := time.Duration(random.Int64N(int64(at.within) + 1))
	time.Sleep(after)
	withBoard := random.IntN(2) == 0
	g.cut(withBoard)
	<-request
	admitted, _ := g.happened.find(from, "the job is admitted")
	passed, _ := g.happened.find(from, "verdict pass")
	wrote, _ := g.happened.find(from, string(virtualduo.HostWrite))
	boot := g.boot

	g.start()
	if admitted {
		g.checkKnown(id, passed)
	}
	if wrote {
		g.checkSaved(backup, boot)
	}
	ended := g.do(job.Repair, id)
	g.checkRepaired(ended)
	g.t.Logf("%s: %s, %v later, power of the board too: %v; resumed %d times, %s; round of %.1f s",
		id, at.name, after.Round(time.Millisecond), withBoard, ended.Resumes, ended.Verdict, time.Since(began).Seconds())
}

// loseKey zeroes the private key in both copies of the DCT and returns the name
// of the record that a backup of the board now has.
func (g *gateway) loseKey() (record string) {
	g.t.Helper()
	for range 2 { // each goes to the other copy
		g.must(g.board.ZeroKey())
	}
	raw := secret.Of(g.board.Flash()[duo.RawStart-0x08000000 : duo.RawEnd-0x08000000])
	sectors, err := duo.ParseRaw(raw.Reveal(), duo.R6)
	g.must(err)
	area, _ := sectors.CurrentArea(duo.FirmwareEngine(duo.Part2NewEngine))
	block, sound := area.Block()
	if !sound {
		g.t.Fatal("a board without a key has no sound DCT either")
	}
	uid := g.board.UID()
	return job.KeyRecord{
		Info: job.RecordInfo{DeviceID: fmt.Sprintf("%x", uid)}, Raw: raw, Block: block.Bytes,
	}.ContentID()
}

// checkKnown makes sure that the station still knows a job that it had
// admitted, and that it passed, if it had said so. // P5
func (g *gateway) checkKnown(id string, passed bool) {
	g.t.Helper()
	text, code, err := g.shell.output("gatewayd jobs --json " + id)
	g.must(err)
	if code != 0 {
		g.t.Errorf("%s was admitted and is not known after the power cut:\n%s", id, text)
		return
	}
	if j := g.parse(text); passed && j.Verdict != job.Pass {
		g.t.Errorf("%s had passed and is %s, verdict %q, after the power cut", id, j.State, j.Verdict)
	}
}

// checkSaved makes sure that the record of a board that was written was stored
// in the boot in which that happened, and not only afterwards. // P1
func (g *gateway) checkSaved(record, boot string) {
	g.t.Helper()
	text, code, err := g.shell.output("gatewayd keys --json")
	g.must(err)
	var records []job.RecordInfo
	if code != 0 || json.Unmarshal([]byte(text), &records) != nil {
		g.t.Fatalf("listing the records ends with code %d:\n%s", code, text)
	}
	for _, r := range records {
		if r.ID == record && r.Stored.Boot == boot {
			return
		}
	}
	g.t.Errorf("the board was written, and no record %s of boot %s is in the store:\n%s", record, boot, text)
}

// checkRepaired makes sure that a job and the board agree on what happened.
func (g *gateway) checkRepaired(j job.Job) {
	g.t.Helper()
	if j.Verdict != job.Pass {
		g.t.Errorf("%s is %s, verdict %q, fault %+v", j.ID, j.State, j.Verdict, j.Fault)
		if j.Fault != nil && j.Fault.Retryable { // as it says
			g.do(job.Repair, j.ID+"-again")
		}
	}
	if g.board.FirmwareFingerprint() != g.fingerprint {
		g.t.Errorf("%s: the right key is not on the board", j.ID)
	}
	if n := g.board.Counters(); n.FactoryResets+n.WiFiWipes+n.KeyGenerations+n.DCTDefaults+n.Bricked > 0 {
		g.t.Errorf("%s: the board has been spoilt: %+v", j.ID, n)
	}
	if reset, setup := g.board.Lines(); reset || setup {
		g.t.Errorf("%s: a line is still low", j.ID)
	}
}

// checkEnds makes sure that no end has changed since. // P3
func (g *gateway) checkEnds() {
	g.t.Helper()
	for id, end := range g.ends {
		if again := g.do(end.Kind, id); again.State != end.State || again.Version != end.Version {
			g.t.Errorf("the end of %s has changed from %s, version %d, to %s, version %d", id, end.State, end.Version, again.State, again.Version)
		}
	}
}
