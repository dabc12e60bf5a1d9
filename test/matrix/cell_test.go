package matrix_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

// cell is one kind of job against one fault on a board with one bootloader.
type cell struct {
	kind       kind
	fault      fault
	bootloader string
	seed       uint64 // decides when and how hard the fault strikes
}

// String names a cell as the tests and the gaps do.
func (c cell) String() string {
	name := fmt.Sprintf("%s/%s/%s/%d", c.kind.name, c.fault.name, c.bootloader, c.seed)
	return strings.ReplaceAll(name, " ", "_")
}

// chance is the cell's own: no cell depends on which others are tried.
func (c cell) chance() *rand.Rand {
	sum := fnv.New64a()
	fmt.Fprint(sum, c)
	return rand.New(rand.NewPCG(c.seed, sum.Sum64()))
}

// The keys of a trial, by their seeds.
const (
	savedKey = 1 // the store has it, and the cloud has seen it
	ownKey   = 2 // the board has it, and nobody else does
	otherKey = 3 // of another board
	// misreadKey is one whose minimal form a board's firmware misreads.
	misreadKey = 94
)

var keys sync.Map // seed: func() *duo.PrivateKey

// keyOf is the same key for the same seed. Making one takes a while.
func keyOf(seed uint64) *duo.PrivateKey {
	made, _ := keys.LoadOrStore(seed, sync.OnceValue(func() *duo.PrivateKey {
		key, err := duo.ImportPrivateKey(virtualduo.GenerateKey(seed).Reveal())
		if err != nil {
			panic(err)
		}
		return key
	}))
	return made.(func() *duo.PrivateKey)()
}

// longest is how long a job may take, in the time of the bench: two gestures
// behind a minute of rest each, a minute for the firmware, and one to let go.
const longest = 6 * time.Minute

// result is what a cell has come to.
type result struct {
	outcome    string // of the job, in one or two words
	complaints []string
}

// try runs a cell in fake time. A job that does not pass is followed by a
// repair with the fault gone; in a full run any job is.
func (c cell) try(t *testing.T, always bool) (found result) {
	synctest.Test(t, func(t *testing.T) {
		x := c.begin(t)
		j, over := x.carryOut()
		if !over {
			found = result{"endless", append(x.complaints, fmt.Sprintf("the job is in step %s after %v", j.Step, longest))}
			return
		}
		x.checkJob(j)
		if always || j.Verdict != job.Pass {
			x.mend()
		}
		found = result{outcomeOf(j), x.complaints}
	})
	return found
}

// outcomeOf is the end of a job as the table shows it.
func outcomeOf(j job.Job) string {
	switch {
	case j.Fault != nil:
		return fmt.Sprintf("%s: %s", j.Verdict, j.Fault.Code)
	case j.Verdict != "":
		return string(j.Verdict)
	default:
		return string(j.State)
	}
}

// begin makes the board and the station of a cell and lets the fault in.
func (c cell) begin(t *testing.T) *trial {
	loader, err := virtualduo.BootloaderByName(c.bootloader)
	if err != nil {
		t.Fatal(err)
	}
	x := &trial{cell: c, random: c.chance(), loader: loader}
	board := virtualduo.Config{Bootloader: loader, Seed: 1, FactoryImage: true, WiFi: true}
	if c.fault.spare {
		x.Rig = rig.NewWithSpare(t, board, virtualduo.Config{Bootloader: loader, Seed: 2, FactoryImage: true, WiFi: true})
	} else {
		x.Rig = rig.New(t, board)
	}
	x.Spoils = c.fault.spoils != ""
	x.listen()
	x.prepare()
	x.Start()
	x.bringKey()
	if c.fault.strike != nil {
		c.fault.strike(x)
	}
	x.before = x.look()
	return x
}
