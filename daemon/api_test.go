package daemon_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
	"duogateway/station"
)

// ask makes one request to the API without a socket.
func (b *bench) ask(method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

// jobs counts the jobs in the store.
func (b *bench) jobs(t testing.TB) int {
	t.Helper()
	jobs, err := b.store.Jobs(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	return len(jobs)
}

func TestAPIAnswersWhenThereIsNothing(t *testing.T) {
	b := newBench(t)
	for target, want := range map[string]string{
		"/v1/jobs":                    "[]",
		"/v1/jobs?limit=0":            "[]",
		"/v1/keys":                    "[]",
		"/v1/events":                  "[]",
		"/v1/events?after=7&limit=10": "[]",
		"/v1/audit":                   "[]",
		"/v1/health":                  `{"version":"test","station":"station","ok":true,"clock_trusted":false}`,
	} {
		w := b.ask("GET", target, "")
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %s, want 200 %s", target, w.Code, w.Header().Get("Content-Type"), got, want)
		}
	}
	var bays []station.Status
	if err := json.Unmarshal(b.ask("GET", "/v1/bays", "").Body.Bytes(), &bays); err != nil || len(bays) != 2 || bays[1].Name != "bay-2" {
		t.Errorf("the bays are %+v, %v", bays, err)
	}
}

func TestAPISubmit(t *testing.T) {
	b := newBench(t)
	first := b.ask("POST", "/v1/jobs", `{"id":"j1","kind":"diagnose","bay":"bay-1","source":"button"}`)
	var j job.Job
	if err := json.Unmarshal(first.Body.Bytes(), &j); err != nil || first.Code != 200 {
		t.Fatalf("%d %s %v", first.Code, first.Body, err)
	}
	if j.ID != "j1" || j.State != job.Queued || j.Version != 1 || j.Source != job.FromCommand {
		t.Errorf("the job is %+v", j)
	}
	// P3: the same id again is the same job.
	if again := b.ask("POST", "/v1/jobs", `{"id":"j1","kind":"diagnose","bay":"bay-1"}`); again.Code != 200 || again.Body.String() != first.Body.String() {
		t.Errorf("again: %d %s", again.Code, again.Body)
	}
	if b.jobs(t) != 1 {
		t.Errorf("%d jobs, want 1", b.jobs(t))
	}
	if w := b.ask("GET", "/v1/jobs/j1", ""); w.Code != 200 || w.Body.String() != first.Body.String() {
		t.Errorf("the job itself: %d %s", w.Code, w.Body)
	}
	if w := b.ask("GET", "/v1/jobs", ""); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "["+strings.TrimSpace(first.Body.String())+"]" {
		t.Errorf("the list: %d %s", w.Code, w.Body)
	}
	if w := b.ask("GET", "/v1/events", ""); !strings.Contains(w.Body.String(), `"what":"job-admitted","job":"j1"`) {
		t.Errorf("the events: %s", w.Body)
	}
	if err := json.Unmarshal(b.ask("POST", "/v1/jobs", `{"kind":"backup","bay":"bay-2"}`).Body.Bytes(), &j); err != nil || !job.ValidName(j.ID) {
		t.Errorf("a job without an id: %+v, %v", j, err)
	}
	canceled := b.ask("POST", "/v1/jobs/j1/cancel", "")
	if err := json.Unmarshal(canceled.Body.Bytes(), &j); err != nil || j.State != job.Canceled {
		t.Errorf("canceled: %d %s", canceled.Code, canceled.Body)
	}
}

// The id of a board is understood in any case of letters, and is journalled in
// one.
func TestAPISubmitDeviceID(t *testing.T) {
	b := newBench(t)
	w := b.ask("POST", "/v1/jobs", `{"kind":"repair","bay":"bay-1","options":{"device_id":"1A42F7AD164CF1E1F461B076"}}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"device_id":"1a42f7ad164cf1e1f461b076"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestAPIRefuses(t *testing.T) {
	b := newBench(t)
	if w := b.ask("POST", "/v1/jobs", `{"id":"known","kind":"diagnose","bay":"bay-1"}`); w.Code != 200 {
		t.Fatal(w.Body)
	}
	if w := b.ask("POST", "/v1/jobs/known/cancel", ""); w.Code != 200 {
		t.Fatal(w.Body)
	}
	right := `"kind":"diagnose","bay":"bay-1"`
	for name, c := range map[string]struct {
		method, target, body string
		status               int
		code                 job.Code // empty: the answer is not a report
	}{
		"no body":              {"POST", "/v1/jobs", "", 400, job.BadRequest},
		"null":                 {"POST", "/v1/jobs", "null", 400, job.UnknownKind},
		"no JSON":              {"POST", "/v1/jobs", "kind=repair", 400, job.BadRequest},
		"a list":               {"POST", "/v1/jobs", "[{" + right + "}]", 400, job.BadRequest},
		"cut off":              {"POST", "/v1/jobs", "{" + right, 400, job.BadRequest},
		"wrong type":           {"POST", "/v1/jobs", `{"kind":1,"bay":"bay-1"}`, 400, job.BadRequest},
		"unknown field":        {"POST", "/v1/jobs", "{" + right + `,"forse":true}`, 400, job.BadRequest},
		"unknown option":       {"POST", "/v1/jobs", "{" + right + `,"options":{"new_key":true}}`, 400, job.BadRequest},
		"state given":          {"POST", "/v1/jobs", "{" + right + `,"state":"succeeded"}`, 400, job.BadRequest},
		"something behind":     {"POST", "/v1/jobs", "{" + right + "}{}", 400, job.BadRequest},
		"garbage behind":       {"POST", "/v1/jobs", "{" + right + "} x", 400, job.BadRequest},
		"too large":            {"POST", "/v1/jobs", "{" + right + `,"id":"` + strings.Repeat("x", 64<<10) + `"}`, 400, job.BadRequest},
		"large blank behind":   {"POST", "/v1/jobs", "{" + right + "}" + strings.Repeat(" ", 64<<10), 400, job.BadRequest},
		"id too long":          {"POST", "/v1/jobs", "{" + right + `,"id":"` + strings.Repeat("x", 65) + `"}`, 400, job.BadRequest},
		"id with a slash":      {"POST", "/v1/jobs", "{" + right + `,"id":"a/b"}`, 400, job.BadRequest},
		"id that is a folder":  {"POST", "/v1/jobs", "{" + right + `,"id":".."}`, 400, job.BadRequest},
		"unknown kind":         {"POST", "/v1/jobs", `{"kind":"explode","bay":"bay-1"}`, 400, job.UnknownKind},
		"unknown bay":          {"POST", "/v1/jobs", `{"kind":"repair","bay":"bay-9"}`, 404, job.UnknownBay},
		"no bay":               {"POST", "/v1/jobs", `{"kind":"repair"}`, 404, job.UnknownBay},
		"record for a repair":  {"POST", "/v1/jobs", `{"kind":"repair","bay":"bay-1","options":{"record":"x"}}`, 400, job.BadRequest},
		"no device id":         {"POST", "/v1/jobs", `{"kind":"repair","bay":"bay-1","options":{"device_id":"zz"}}`, 400, job.BadRequest},
		"device id of nothing": {"POST", "/v1/jobs", `{"kind":"repair","bay":"bay-1","options":{"device_id":"ffffffffffffffffffffffff"}}`, 400, job.BadRequest},
		"id of another job":    {"POST", "/v1/jobs", `{"id":"known","kind":"repair","bay":"bay-1"}`, 409, job.IDInUse},
		"unknown job":          {"GET", "/v1/jobs/none", "", 404, job.UnknownJob},
		"watch unknown job":    {"GET", "/v1/jobs/none/watch", "", 404, job.UnknownJob},
		"cancel unknown job":   {"POST", "/v1/jobs/none/cancel", "", 404, job.UnknownJob},
		"cancel a final job":   {"POST", "/v1/jobs/known/cancel", "", 409, job.TooLate},
		"limit":                {"GET", "/v1/jobs?limit=-1", "", 400, job.BadRequest},
		"limit of events":      {"GET", "/v1/events?limit=x", "", 400, job.BadRequest},
		"after":                {"GET", "/v1/audit?after=1e3", "", 400, job.BadRequest},
		"broken query":         {"GET", "/v1/jobs?limit=%zz", "", 400, job.BadRequest},
		"unknown path":         {"GET", "/v1/secrets", "", 404, ""},
		"root":                 {"GET", "/", "", 404, ""},
		"deeper path":          {"GET", "/v1/jobs/known/watch/more", "", 404, ""},
		"delete jobs":          {"DELETE", "/v1/jobs", "", 405, ""},
		"post to bays":         {"POST", "/v1/bays", "{}", 405, ""},
		"get cancel":           {"GET", "/v1/jobs/known/cancel", "", 405, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := b.jobs(t)
			w := b.ask(c.method, c.target, c.body)
			var report job.Report
			err := json.Unmarshal(w.Body.Bytes(), &report)
			if w.Code != c.status || report.Code != c.code {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.code)
			}
			if c.code != "" && (err != nil || report.Message == "" || report.Hint == "") {
				t.Errorf("the report is %s", w.Body)
			}
			if b.jobs(t) != before {
				t.Error("a job was admitted")
			}
		})
	}
}

// lines decodes a stream of updates.
func lines(t *testing.T, text []byte) []station.Update {
	t.Helper()
	var list []station.Update
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		var u station.Update
		if err := json.Unmarshal(scanner.Bytes(), &u); err != nil {
			t.Fatalf("line %q: %v", scanner.Text(), err)
		}
		list = append(list, u)
	}
	return list
}

// A watch is one update a line, from how the job stands to its end.
func TestAPIWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.bus.plug("1-1.1")
		b.ask("POST", "/v1/jobs", `{"id":"j1","kind":"diagnose","bay":"bay-1"}`)
		watched := make(chan *httptest.ResponseRecorder, 1)
		go func() { watched <- b.ask("GET", "/v1/jobs/j1/watch", "") }()
		synctest.Wait()
		defer b.work()()
		w := <-watched
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/x-ndjson" || !w.Flushed {
			t.Errorf("%d %v, flushed %v", w.Code, w.Header(), w.Flushed)
		}
		all := lines(t, w.Body.Bytes())
		first, last := all[0], all[len(all)-1]
		if first.Job == nil || first.Job.State != job.Queued {
			t.Errorf("the first line is %+v", first)
		}
		if last.Job == nil || last.Job.State != job.Failed || last.Job.Fault.Code != job.GestureFailed {
			t.Errorf("the last line is %+v", last)
		}
		version, progress := uint64(0), 0
		for _, u := range all {
			if u.Progress != nil {
				progress++
				continue
			}
			if u.Job.Version < version {
				t.Errorf("version %d comes behind %d", u.Job.Version, version)
			}
			version = u.Job.Version
		}
		if progress == 0 {
			t.Error("there is no progress")
		}
		if again := lines(t, b.ask("GET", "/v1/jobs/j1/watch", "").Body.Bytes()); len(again) != 1 || again[0].Job.State != job.Failed {
			t.Errorf("a watch of a job that is over: %+v", again)
		}
	})
}

// A watch ends when its client goes.
func TestAPIWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.ask("POST", "/v1/jobs", `{"id":"j1","kind":"diagnose","bay":"bay-1"}`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w := httptest.NewRecorder()
		started := time.Now()
		b.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/v1/jobs/j1/watch", nil))
		if time.Since(started) != time.Minute || len(lines(t, w.Body.Bytes())) != 1 {
			t.Errorf("it ended after %v with %s", time.Since(started), w.Body)
		}
	})
}
