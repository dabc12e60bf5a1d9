package matrix_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"duogateway/job"
)

var update = flag.Bool("update", false, "write the table of the manual anew; it needs the full matrix")

// TestMain keeps the stores of the cells in memory where it can: what they try
// is not the disk, and there are many.
func TestMain(m *testing.M) {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		_ = os.Setenv("TMPDIR", "/dev/shm") // else they are on the disk
	}
	goleak.VerifyTestMain(m)
}

// full says whether all cells are to be tried; `make matrix` asks for it.
func full() bool { return os.Getenv("MATRIX") == "full" }

// In each cell no key is lost, nothing is written that must not be, and the
// verdict is true. // P1, P2, P3, P5
func TestMatrix(t *testing.T) {
	cells := pairwise()
	if full() {
		cells = whole()
	}
	seen := &outcomes{}
	t.Run("cells", func(t *testing.T) {
		for _, c := range cells {
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				found := c.try(t, full())
				seen.add(c, found.outcome)
				judge(t, c, found.complaints)
			})
		}
	})
	if full() && !t.Failed() {
		checkTable(t, seen.table())
	}
}

// judge fails a cell that has complaints, or that should have some and has not.
func judge(t *testing.T, c cell, complaints []string) {
	reason, known := gaps[c.String()]
	switch {
	case known && len(complaints) == 0:
		t.Errorf("this cell is known as a gap (%s), but holds: take it out", reason)
	case known:
		t.Logf("a known gap: %s\n%s", reason, strings.Join(complaints, "\n"))
	case len(complaints) > 0:
		t.Error(strings.Join(complaints, "\n"))
	}
}

// Every kind of job that the station knows is in the matrix.
func TestKinds(t *testing.T) {
	var names []job.Kind
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	if !slices.Equal(names, job.Kinds()) {
		t.Errorf("the matrix has kinds %v, the station %v", names, job.Kinds())
	}
}

// outcomes are what the cells have come to.
type outcomes struct {
	mu  sync.Mutex
	all map[[2]string]map[string]bool // by fault and kind
}

func (o *outcomes) add(c cell, outcome string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := [2]string{c.fault.name, string(c.kind.name)}
	if o.all == nil {
		o.all = map[[2]string]map[string]bool{}
	}
	if o.all[at] == nil {
		o.all[at] = map[string]bool{}
	}
	o.all[at][outcome] = true
}
