package station

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"duogateway/job"
)

// move is one thing that somebody does to a station, or to its world.
type move struct {
	what    string
	request job.Request
	devices []Device
	fault   error
	refusal error         // what speaks against a request from elsewhere
	wait    time.Duration // behind it
}

func (m move) GoString() string {
	switch m.what {
	case "admit":
		return fmt.Sprintf("admit %s %s %s, wait %v", m.request.ID, m.request.Kind, m.request.Bay, m.wait)
	case "ask":
		return fmt.Sprintf("ask %s %s %s (%v), wait %v", m.request.ID, m.request.Kind, m.request.Bay, m.refusal, m.wait)
	case "cancel":
		return fmt.Sprintf("cancel %s, wait %v", m.request.ID, m.wait)
	case "put":
		return fmt.Sprintf("put %v, wait %v", m.devices, m.wait)
	case "fail":
		return fmt.Sprintf("fail: %v, wait %v", m.fault, m.wait)
	}
	return fmt.Sprintf("%s, wait %v", m.what, m.wait)
}

func drawMove(rt *rapid.T) move {
	r := request(
		rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(rt, "id"),
		rapid.SampledFrom([]string{bay1, bay1, bay1, bay2}).Draw(rt, "bay"),
	)
	r.Kind = rapid.SampledFrom([]job.Kind{job.Repair, job.Repair, job.Repair, job.Restore}).Draw(rt, "kind")
	return move{
		what:    rapid.SampledFrom([]string{"admit", "admit", "ask", "ask", "cancel", "cancel", "put", "restart", "fail", "wait"}).Draw(rt, "what"),
		request: r,
		devices: rapid.SampledFrom([][]Device{{boardA, boardC}, {boardA}, {boardB, boardC}, nil, {boardA, boardB}, {{Port: port1}}}).Draw(rt, "devices"),
		fault:   rapid.SampledFrom([]error{errDisk, errUnsure}).Draw(rt, "fault"),
		refusal: rapid.SampledFrom([]error{nil, nil, job.Failf(job.NotAllowed, "no"), job.Failf(job.OutboxFull, "later")}).Draw(rt, "refusal"),
		wait:    time.Duration(rapid.SampledFrom([]int{0, 0, 1, 400, 1000, 1001, 3000, 12000}).Draw(rt, "wait")) * time.Millisecond,
	}
}

// P1, P3, P5: whatever is asked of a station, and whenever it is stopped, loses
// its disk or is given another board, each job that was admitted comes to one
// end, cancellations that were accepted hold, and nothing is written before
// what was saved is journalled, nor to another board.
func TestAnySequence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		onPlug := rapid.SampledFrom([]job.Kind{"", job.Diagnose}).Draw(rt, "on plug")
		moves := rapid.SliceOfN(rapid.Custom(drawMove), 1, 30).Draw(rt, "moves")
		var problems []string
		synctest.Test(t, func(t *testing.T) { problems = play(t, moves, onPlug) })
		if len(problems) > 0 {
			rt.Fatalf("%q", problems)
		}
	})
}

// game is a sequence that is being played.
type game struct {
	*bench
	asking sync.WaitGroup

	mu       sync.Mutex
	admitted map[string]job.Request
	rejected map[string]bool
	canceled map[string]bool
	began    map[string]string // job: the board that it began with
	busy     map[string]string // bay: the job whose step runs
	problems []string
}

func play(t *testing.T, moves []move, onPlug job.Kind) []string {
	g := &game{bench: newBench(t), admitted: map[string]job.Request{}, rejected: map[string]bool{}, canceled: map[string]bool{}, began: map[string]string{}, busy: map[string]string{}}
	g.config.Recipes, g.config.Bays[0].OnPlug = g.plan, onPlug
	g.config.Clock.Synchronised = func() bool { return true }
	g.start()
	for _, m := range moves {
		g.move(m)
		time.Sleep(m.wait)
	}
	g.journal.beforeCommits(nil)
	g.put(boardA, boardC)
	g.restartAll()
	time.Sleep(2 * time.Minute)
	g.restartAll()
	g.end()
	g.judge()
	return append(g.problems, g.journal.complaints()...)
}

func (g *game) move(m move) {
	station := g.station
	switch m.what {
	case "admit":
		g.asking.Go(func() { g.heardAdmit(station.Admit(m.request)) })
	case "ask":
		until := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC) // there is all the time of the bubble
		m.request.Source, m.request.NotAfter = job.FromMQTT, &until
		g.asking.Go(func() { g.heardAnswer(station.AdmitRemote(m.request, m.refusal)) })
	case "cancel":
		g.asking.Go(func() { g.heardCancel(m.request.ID, station.Cancel(m.request.ID)) })
	case "put":
		g.put(m.devices...)
	case "restart":
		g.restartAll()
	case "fail":
		g.journal.beforeCommits(func(number int, _ *job.Entry) error {
			if number == 1 {
				return m.fault
			}
			return nil
		})
	}
}

// put changes what is on the bus for long enough to be seen, and at a moment in
// which nothing else happens: all other times are whole milliseconds.
func (g *game) put(devices ...Device) {
	const moment = time.Millisecond / 2
	time.Sleep(moment)
	g.finder.put(devices...)
	time.Sleep(2*pollTime - moment)
}

// restartAll lets everybody hear his answer before the next station starts.
func (g *game) restartAll() {
	g.end()
	g.asking.Wait()
	g.start()
}

func (g *game) heardAdmit(j job.Job, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil:
		g.admitted[j.ID] = j.Request
	case !job.HasCode(err, job.IDInUse) && !job.HasCode(err, job.StoreFailed):
		g.complain("Admit says %v", err)
	}
}

// heardAnswer hears what a request from elsewhere came to.
func (g *game) heardAnswer(answer job.Answer, j *job.Job, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err != nil && !job.HasCode(err, job.StoreFailed):
		g.complain("AdmitRemote says %v", err)
	case err != nil || j == nil && answer.Ruling == job.Refused: // nobody has to remember it
	case j.State == job.Rejected:
		g.rejected[j.ID] = true
	default:
		g.admitted[j.ID] = j.Request
	}
}

func (g *game) heardCancel(id string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil:
		g.canceled[id] = true
	case !slices.ContainsFunc([]job.Code{job.UnknownJob, job.TooLate, job.StoreFailed}, func(c job.Code) bool { return job.HasCode(err, c) }):
		g.complain("Cancel says %v", err)
	}
}

func (g *game) complain(format string, args ...any) {
	g.problems = append(g.problems, fmt.Sprintf(format, args...))
}

// plan looks, saves what it saw, writes, checks and ends. A job that was
// interrupted before anything was found begins anew, with the board of then.
func (g *game) plan(j job.Job) (*job.Plan, error) {
	g.mu.Lock()
	if len(j.Steps) == 0 {
		delete(g.began, j.ID)
	}
	g.mu.Unlock()
	act := func(name string, takes time.Duration, out job.Outcome) job.Step {
		return step(name, func(ctx context.Context, _ job.Say) (job.Outcome, error) {
			g.enter(j, name)
			defer g.leave(j)
			select {
			case <-time.After(takes):
				return out, nil
			case <-ctx.Done():
				return job.Outcome{}, context.Cause(ctx)
			}
		})
	}
	record := job.Outcome{Records: []job.KeyRecord{{Info: job.RecordInfo{DeviceID: j.ID}}}}
	write := writing(act("write", time.Second, job.Outcome{}))
	return g.bind(j, &memo{}, &job.Plan{Steps: []job.Step{
		act("look", time.Second, job.Outcome{}),
		again(act("save", 0, record), "look"),
		again(write, "look"),
		again(act("check", time.Second, job.Outcome{}), "look"),
		act("end", 0, job.Outcome{End: &job.Ending{Proof: job.NotConfigured}}),
	}}), nil
}

func (g *game) enter(j job.Job, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if other := g.busy[j.Bay]; other != "" {
		g.complain("P3: steps of %s and %s run at once", other, j.ID)
	}
	g.busy[j.Bay] = j.ID
	board := g.onPort(j.Bay)
	if g.began[j.ID] == "" {
		g.began[j.ID] = board
	}
	if name != "write" {
		return
	}
	if board != "" && g.began[j.ID] != "" && board != g.began[j.ID] {
		g.complain("P1: %s began with %s and writes to %s", j.ID, g.began[j.ID], board)
	}
	entries := g.journal.entriesOf(j.ID)
	if !slices.ContainsFunc(entries, func(e job.Entry) bool { return len(e.Records) > 0 }) {
		g.complain("P1: %s writes and has nothing saved", j.ID)
	}
	if last := entries[len(entries)-1].Job; !last.Wrote || last.Step != "write" {
		g.complain("P5: %s writes, the journal says step %q", j.ID, last.Step)
	}
}

func (g *game) leave(j job.Job) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.busy, j.Bay)
}

// onPort tells the id of the board in a bay.
func (g *game) onPort(bay string) string {
	port := map[string]string{bay1: port1, bay2: port2}[bay]
	seen, _ := g.finder.Devices(context.Background())
	i := slices.IndexFunc(seen, func(d Device) bool { return d.Port == port })
	if i < 0 {
		return ""
	}
	return seen[i].ID
}

// judge looks at what has become of all jobs.
func (g *game) judge() {
	for id, request := range g.admitted {
		j, _, ok, _ := g.journal.Job(id)
		if !ok || !reflect.DeepEqual(j.Request, request) {
			g.complain("P5: %+v was admitted, the journal has %+v", request, j)
		}
	}
	unfinished, _ := g.journal.Unfinished()
	for _, j := range unfinished {
		g.complain("P3: %s stays %s at %q", j.ID, j.State, j.Step)
	}
	for _, id := range g.journal.order {
		j, _, _, _ := g.journal.Job(id)
		if j.Source == job.FromPlug {
			g.judgePlugged(j)
		}
		if g.canceled[id] && j.State != job.Canceled {
			g.complain("P3: the cancellation of %s was accepted, it is %s", id, j.State)
		}
		if g.rejected[id] && (j.State != job.Rejected || len(g.journal.entriesOf(id)) != 1) {
			g.complain("P3: %s was rejected, it is %s", id, j.State)
		}
		var steps []string
		for _, s := range j.Steps {
			if !s.Failed {
				steps = append(steps, s.Name)
			}
		}
		whole := slices.Equal(steps, []string{"look", "save", "write", "check", "end"})
		if (j.State == job.Succeeded) != whole {
			g.complain("P3: %s is %s with steps %q", id, j.State, steps)
		}
	}
}

// judgePlugged looks at a job that nobody has asked for: when it was admitted no
// other one had begun with that board, nor was admitted for the same reason.
func (g *game) judgePlugged(j job.Job) {
	presence := g.journal.entriesOf(j.ID)[0].Job.Presence
	for _, id := range g.journal.order {
		other, _, _, _ := g.journal.Job(id)
		if id == j.ID || other.Bay != j.Bay {
			continue
		}
		if other.Presence == presence && other.Started != nil && other.Started.At.Before(j.Admitted.At) {
			g.complain("%s has begun in presence %d before %s was admitted, for which nobody has asked", id, presence, j.ID)
		}
		if other.Source == job.FromPlug && g.journal.entriesOf(id)[0].Job.Presence == presence {
			g.complain("nobody has asked for %s and %s, both in presence %d", id, j.ID, presence)
		}
	}
}
