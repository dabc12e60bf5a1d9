package daemon_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"duogateway/job"
)

// Whatever comes over the local socket: no panic, no answer that blames the
// station, and no job but one that was asked for in full.
func FuzzLocalAPI(f *testing.F) {
	for _, seed := range [][3]string{
		{"POST", "/v1/jobs", `{"id":"j1","kind":"repair","bay":"bay-1","source":"mqtt","options":{"record":"","device_id":"1A42F7AD164CF1E1F461B076"}}`},
		{"POST", "/v1/jobs", `{"kind":"restore","bay":"bay-2","options":{"record":"2c4faf40af6886914c218230cd3659ed"}}`},
		{"POST", "/v1/jobs", `{"kind":"repair","bay":"bay-1"}{}`},
		{"POST", "/v1/jobs", `{"id":"..","kind":"repair","bay":"bay-1","x":1}`},
		{"POST", "/v1/jobs/j0/cancel", ""},
		{"GET", "/v1/jobs/j0/watch", ""},
		{"GET", "/v1/jobs/j0", ""},
		{"GET", "/v1/jobs?limit=7", ""},
		{"GET", "/v1/bays", ""},
		{"GET", "/v1/keys", ""},
		{"HEAD", "/v1/events?after=1&limit=2", ""},
		{"GET", "/v1/audit?after=2147483648", ""},
		{"GET", "/v1/health", "{}"},
		{"PUT", "//v1/../v1/jobs/%2e%2e/watch?a;b", "\x00"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, method, target, body string) {
		b := newBench(t)
		if w := b.ask("POST", "/v1/jobs", `{"id":"j0","kind":"diagnose","bay":"bay-1"}`); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		path, err := url.ParseRequestURI(target)
		if err != nil || path.Host != "" {
			t.Skip("no request line can say that")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond) // a watch would wait
		defer cancel()
		r := (&http.Request{Method: method, URL: path, Header: http.Header{}, Body: http.NoBody, Host: "gatewayd"}).WithContext(ctx)
		if body != "" {
			r.Body = http.MaxBytesReader(nil, readCloser{strings.NewReader(body)}, 1<<20)
		}
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if b.jobs(t) > 1 {
			checkAdmitted(t, method, path.Path, body, w)
		}
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// checkAdmitted holds a new job against what was asked for.
func checkAdmitted(t *testing.T, method, path, body string, w *httptest.ResponseRecorder) {
	var asked job.Request
	if err := json.Unmarshal([]byte(body), &asked); err != nil || method != http.MethodPost || path != "/v1/jobs" {
		t.Fatalf("%s %s has admitted a job: %v", method, path, err)
	}
	var j job.Job
	if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil || w.Code != http.StatusOK {
		t.Fatalf("a job was admitted, the answer is %d %s", w.Code, w.Body)
	}
	if j.Kind != asked.Kind || j.Bay != asked.Bay || j.Source != job.FromCommand || j.Options.Record != asked.Options.Record ||
		(asked.ID != "" && j.ID != asked.ID) || !strings.EqualFold(j.Options.DeviceID, asked.Options.DeviceID) {
		t.Errorf("asked for %+v, admitted %+v", asked, j.Request)
	}
}
