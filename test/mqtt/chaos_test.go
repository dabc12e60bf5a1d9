package mqtt

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"duogateway/cloudsync/signature"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/secret"
	"duogateway/virtual/broker"
)

// chaosEnv sets how many jobs the chaos test sends.
const chaosEnv = "CHAOS"

// usualJobs is how many it sends otherwise.
const usualJobs = 100

func signingKey() (ed25519.PublicKey, secret.Bytes) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	return key.Public().(ed25519.PublicKey), secret.Of(key)
}

// fate is what has to become of a request.
type fate struct {
	text   string
	states []job.State
	cancel bool
}

// fates makes requests of all sorts, by id.
func fates(t *testing.T, count int) map[string]fate {
	t.Helper()
	_, key := signingKey()
	until := time.Now().Add(time.Hour).UTC()
	all := map[string]fate{}
	for i := range count {
		id := fmt.Sprintf("job-%04d", i)
		r := job.Request{ID: id, Kind: job.Backup, Bay: bays[i%len(bays)], NotAfter: &until}
		f := fate{states: []job.State{job.Succeeded}}
		switch i % 10 {
		case 3: // it must be signed
			r.Kind = job.Repair
			f.states = []job.State{job.Rejected}
		case 5:
			r.NotAfter = nil
			f.states = []job.State{job.Rejected}
		case 7:
			f.cancel = true
			f.states = append(f.states, job.Canceled)
		}
		text, err := json.Marshal(r)
		if i%2 == 0 {
			r.Kind = job.Repair
			var signed string
			signed, err = signature.Sign(r, name, "operations", key)
			text = []byte(signed)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.text = string(text)
		all[id] = f
	}
	return all
}

// theatre is where it all happens.
type theatre struct {
	*testing.T
	folder   string
	broker   *mosquitto
	saw      *broker.Saw
	operator *operator
	fates    map[string]fate

	station *exec.Cmd
	log     *os.File

	kills, ends int
}

func newTheatre(t *testing.T, jobs int) *theatre {
	t.Helper()
	h := &theatre{T: t, folder: t.TempDir(), fates: fates(t, jobs)}
	port := freePort(t)
	h.broker = newMosquitto(t, t.TempDir(), fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n", port), port)
	h.broker.start()
	var err error
	if h.saw, err = broker.NewSaw(fmt.Sprintf("127.0.0.1:%d", port), 20_000, 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.saw.Close)
	h.operator = newOperator(t, fmt.Sprintf("tcp://127.0.0.1:%d", port))
	h.log = newLog(t, "station")
	h.startStation()
	t.Cleanup(func() { h.endStation(syscall.SIGKILL) })
	return h
}

func (h *theatre) startStation() {
	h.Helper()
	h.station = exec.Command(os.Args[0])
	h.station.Env = append(os.Environ(), childEnv+"="+h.folder, brokerEnv+"="+h.saw.URL())
	h.station.Stderr = h.log
	if err := h.station.Start(); err != nil {
		h.Fatal(err)
	}
}

func (h *theatre) endStation(signal syscall.Signal) {
	if h.station == nil {
		return
	}
	_ = h.station.Process.Signal(signal)
	_ = h.station.Wait()
	h.station = nil
}

// send sends all requests, each again and again until its job is over, with some
// confusion: repeats, and other requests under known ids.
func (h *theatre) send(ctx context.Context) {
	sent := map[string]time.Time{}
	for ctx.Err() == nil {
		waiting := 0
		for _, id := range slices.Sorted(maps.Keys(h.fates)) {
			if h.operator.over(id) || ctx.Err() != nil {
				continue
			}
			if waiting++; waiting > 20 {
				break
			}
			if time.Since(sent[id]) > time.Second {
				h.sendOne(id)
				sent[id] = time.Now()
			}
		}
		if waiting == 0 {
			return
		}
		pause(ctx, 50*time.Millisecond)
	}
}

func (h *theatre) sendOne(id string) {
	f := h.fates[id]
	for range 1 + rand.N(2) {
		h.operator.send("jobs/request", f.text)
	}
	if f.cancel && rand.N(2) == 0 {
		h.operator.send("jobs/"+id+"/cancel", "")
	}
	if rand.N(5) == 0 && h.operator.heardOf(id) {
		h.operator.send("jobs/request", `{"id":"`+id+`","kind":"diagnose","bay":"A","not_after":"2999-01-01T00:00:00Z"}`)
	}
}

func pause(ctx context.Context, wait time.Duration) {
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
}

// rage kills the station and ends the broker, again and again.
func (h *theatre) rage(ctx context.Context, end syscall.Signal) {
	for turn := 1; ; turn++ {
		pause(ctx, 500*time.Millisecond+rand.N(time.Second))
		if ctx.Err() != nil {
			return
		}
		if turn%3 > 0 {
			h.endStation(syscall.SIGKILL)
			h.startStation()
			h.kills++
			continue
		}
		h.broker.end(end)
		pause(ctx, rand.N(100*time.Millisecond))
		h.broker.start()
		h.ends++
	}
}

// play lets everything happen while jobs are sent, for at least and at most so
// long. What is not over then has to end in peace.
func (h *theatre) play(end syscall.Signal, least, most time.Duration) {
	began := time.Now()
	raging, calm := context.WithTimeout(context.Background(), most)
	defer calm()
	ctx, cancel := context.WithTimeout(context.Background(), most+2*patience)
	defer cancel()
	var play sync.WaitGroup
	play.Go(func() {
		h.rage(raging, end)
		h.saw.Rest()
	})
	h.send(ctx)
	pause(raging, least-time.Since(began))
	calm()
	play.Wait()
}

// jobsToSend is how many jobs the chaos test sends.
func jobsToSend(t *testing.T) int {
	t.Helper()
	text, ok := os.LookupEnv(chaosEnv)
	if !ok {
		return usualJobs
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 {
		t.Fatalf("%s=%q: want a number of jobs", chaosEnv, text)
	}
	return count
}

// The station is killed, the way to the broker breaks, the broker ends and comes
// back, everything is sent several times: every job runs once, and whoever
// watches sees what is in the journal. // P3, P5
func TestChaos(t *testing.T) {
	t.Parallel()
	count := jobsToSend(t)
	h := newTheatre(t, count)
	h.play(syscall.SIGTERM, 5*time.Second, 10*time.Second+time.Duration(count)*100*time.Millisecond)
	h.checkAll(true)
}

// A broker that is killed loses what it has acknowledged. What was asked is
// asked again until it is answered, and runs once all the same. // P3, P5
func TestChaosWithABrokerThatForgets(t *testing.T) {
	t.Parallel()
	h := newTheatre(t, max(30, jobsToSend(t)/5))
	h.play(syscall.SIGKILL, 3*time.Second, 15*time.Second)
	h.checkAll(false)
}

// checkAll waits until everything is told, and holds what the operator has seen
// against the journal.
func (h *theatre) checkAll(everyEvent bool) {
	for id := range h.fates {
		if !h.operator.over(id) {
			h.Errorf("job %s is not over", id)
		}
	}
	h.waitUntilTold()
	store, err := keystore.Open(filepath.Join(h.folder, "store"), keystore.Options{Post: true})
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	h.checkJobs(store)
	last := h.checkEvents(store)
	if everyEvent {
		for deadline := time.Now().Add(5 * time.Second); len(h.operator.missing(last)) > 0 && time.Now().Before(deadline); {
			time.Sleep(20 * time.Millisecond)
		}
		if missing := h.operator.missing(last); len(missing) > 0 {
			h.Errorf("of %d events these were never told: %v", last, missing)
		}
	}
	h.operator.mu.Lock()
	defer h.operator.mu.Unlock()
	for _, wrong := range h.operator.wrong {
		h.Error(wrong)
	}
	h.Logf("%d jobs, %d events; the station was killed %d times, the broker ended %d times, %d connections were cut", len(h.fates), last, h.kills, h.ends, h.saw.Cuts())
}

// waitUntilTold lets the station tell everything, and ends it in order.
func (h *theatre) waitUntilTold() {
	h.Helper()
	deadline := time.Now().Add(2 * patience)
	for wait := 500 * time.Millisecond; ; wait *= 2 {
		h.startStationIfGone()
		time.Sleep(wait)
		h.endStation(syscall.SIGTERM)
		store, err := keystore.Open(filepath.Join(h.folder, "store"), keystore.Options{Post: true})
		if err != nil {
			h.Fatal(err)
		}
		stats, err := store.OutboxStats()
		if closeErr := store.Close(); err != nil || closeErr != nil {
			h.Fatal(err, closeErr)
		}
		if stats.Letters == 0 {
			return
		}
		if time.Now().After(deadline) {
			h.Fatalf("%d letters still wait", stats.Letters)
		}
	}
}

func (h *theatre) startStationIfGone() {
	if h.station == nil {
		h.startStation()
	}
}

// checkJobs holds the jobs of the operator, and the work that was done, against
// the journal.
func (h *theatre) checkJobs(store *keystore.Store) {
	h.Helper()
	work := h.work()
	h.operator.mu.Lock()
	defer h.operator.mu.Unlock()
	for id, f := range h.fates {
		j, _, ok, err := store.Job(id)
		if err != nil || !ok {
			h.Errorf("job %s is not in the journal: %v", id, err)
			continue
		}
		if !slices.Contains(f.states, j.State) {
			h.Errorf("job %s is %s, want one of %v; fault %+v", id, j.State, f.states, j.Fault)
		}
		if told := h.operator.jobs[id]; !reflect.DeepEqual(told, again(h.T, j)) {
			h.Errorf("job %s: the operator sees\n%+v\nthe journal has\n%+v", id, told, j)
		}
		if n := work[id]; j.State == job.Succeeded && (n < 1 || n > 1+j.Resumes) || j.State != job.Succeeded && n > 0 {
			h.Errorf("job %s is %s, was taken up again %d times, and its work was done %d times", id, j.State, j.Resumes, n)
		}
		delete(work, id)
	}
	if len(work) > 0 {
		h.Errorf("work was done for jobs that nobody asked for: %v", work)
	}
}

// again is a job as JSON brings it over.
func again(t *testing.T, j job.Job) (copied job.Job) {
	t.Helper()
	text, err := json.Marshal(j)
	if err == nil {
		err = json.Unmarshal(text, &copied)
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

func (h *theatre) work() map[string]int {
	h.Helper()
	text, err := os.ReadFile(filepath.Join(h.folder, workFile))
	if err != nil {
		h.Fatal(err)
	}
	done := map[string]int{}
	for _, id := range strings.Fields(string(text)) {
		done[id]++
	}
	return done
}

// checkEvents checks that each job was taken in once and ended once, and returns
// the number of the last event.
func (h *theatre) checkEvents(store *keystore.Store) uint64 {
	h.Helper()
	events, err := store.Events(0, 1_000_000)
	if err != nil {
		h.Fatal(err)
	}
	begun, over := map[string]int{}, map[string]int{}
	for _, e := range events {
		switch e.What {
		case job.JobAdmitted:
			begun[e.Job]++
		case job.JobEnded:
			over[e.Job]++
		case job.JobRejected:
			begun[e.Job]++
			over[e.Job]++
		}
	}
	for id := range h.fates {
		if begun[id] != 1 || over[id] != 1 {
			h.Errorf("job %s was taken in %d times and ended %d times", id, begun[id], over[id])
		}
	}
	return events[len(events)-1].Number
}
