package daemon

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/station"
)

// largestRequest bounds the body of a request to the local API.
const largestRequest = 64 << 10

// api answers on the local socket.
type api struct {
	station *station.Station
	store   *keystore.Store
	images  images
	clock   job.Clock
	health  func() (Health, error)
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/jobs", a.submit)
	mux.HandleFunc("GET /v1/jobs", a.jobs)
	mux.HandleFunc("GET /v1/jobs/{id}", a.job)
	mux.HandleFunc("GET /v1/jobs/{id}/watch", a.watch)
	mux.HandleFunc("POST /v1/jobs/{id}/cancel", a.cancel)
	mux.HandleFunc("GET /v1/bays", a.bays)
	mux.HandleFunc("GET /v1/keys", a.keys)
	mux.HandleFunc("POST /v1/keys", a.importKey)
	mux.HandleFunc("GET /v1/events", a.events)
	mux.HandleFunc("GET /v1/audit", a.audit)
	mux.HandleFunc("GET /v1/health", func(w http.ResponseWriter, _ *http.Request) {
		health, err := a.health()
		answer(w, health, err)
	})
	all := http.NewServeMux()
	all.Handle("/", http.MaxBytesHandler(mux, largestRequest))
	all.HandleFunc("POST /v1/images", a.putImage)
	return all
}

func (a *api) submit(w http.ResponseWriter, r *http.Request) {
	request, err := readRequest(r.Body)
	if err != nil {
		answer(w, nil, err)
		return
	}
	j, err := a.station.Admit(request)
	answer(w, j, err)
}

// readRequest takes exactly one JSON object, and no field that it does not
// know: a misspelt option must not be passed over.
func readRequest(body io.Reader) (job.Request, error) {
	var request job.Request
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return request, job.Failf(job.BadRequest, "reading the request: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return request, job.Failf(job.BadRequest, "reading the request: there is something behind it")
	}
	return prepare(request, job.FromCommand)
}

// prepare says who sent a request and refuses what the station cannot judge: an
// id that no path of this API leads to, and a board's id that is none.
func prepare(r job.Request, from job.Source) (job.Request, error) {
	r.Source = from
	if r.ID == "." || r.ID == ".." {
		return r, job.Failf(job.BadRequest, "job id %q: it names a folder", r.ID)
	}
	if stated := r.Options.DeviceID; stated != "" {
		id, err := duo.ParseDeviceID(stated)
		if err != nil {
			return r, job.Failf(job.BadRequest, "option device_id: %w", err)
		}
		r.Options.DeviceID = string(id)
	}
	return r, checkServerKey(r.Options.ServerKey)
}

// checkServerKey lets nothing but a public key into the journal, which is not
// sealed: somebody may have taken the wrong half of the pair. // P4
func checkServerKey(text string) error {
	if text == "" {
		return nil
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err == nil {
		_, err = duo.Block{}.WithServerKey(der)
	}
	if err != nil {
		return job.Failf(job.BadRequest, "option server_key: %w", err)
	}
	return nil
}

func (a *api) jobs(w http.ResponseWriter, r *http.Request) {
	limit, err := number(r, "limit", 50)
	if err != nil {
		answer(w, nil, err)
		return
	}
	jobs, err := a.store.Jobs(int(limit))
	answer(w, list(jobs), err)
}

func (a *api) job(w http.ResponseWriter, r *http.Request) {
	j, err := a.station.Job(r.PathValue("id"))
	answer(w, j, err)
}

func (a *api) cancel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := a.station.Cancel(id); err != nil {
		answer(w, nil, err)
		return
	}
	a.job(w, r)
}

// watch sends the state of a job and then each update, one JSON object a
// line, until the job is final.
func (a *api) watch(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	updates, stop := a.station.Watch(id)
	defer stop()
	j, err := a.station.Job(id)
	if err != nil {
		answer(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	next := station.Update{Job: &j}
	for {
		if err := lines.Encode(next); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		if next.Job != nil && next.Job.State.Final() {
			return
		}
		select {
		case next = <-updates:
		case <-r.Context().Done():
			return
		}
	}
}

func (a *api) bays(w http.ResponseWriter, _ *http.Request) {
	bays, err := a.station.Bays()
	answer(w, list(bays), err)
}

func (a *api) keys(w http.ResponseWriter, _ *http.Request) {
	records, err := a.store.AllRecords()
	answer(w, list(records), err)
}

func (a *api) events(w http.ResponseWriter, r *http.Request) {
	page(w, r, a.store.Events)
}

func (a *api) audit(w http.ResponseWriter, r *http.Request) {
	page(w, r, a.store.Audit)
}

// page answers with a part of a numbered series.
func page[Row any](w http.ResponseWriter, r *http.Request, read func(after uint64, limit int) ([]Row, error)) {
	after, err := number(r, "after", 0)
	limit, err2 := number(r, "limit", 1000)
	if err := errors.Join(err, err2); err != nil {
		answer(w, nil, err)
		return
	}
	rows, err := read(after, int(limit))
	answer(w, list(rows), err)
}

// list makes an empty list of nothing: in JSON it is [] then, not null.
func list[Row any](rows []Row) []Row {
	if rows == nil {
		return []Row{}
	}
	return rows
}

func number(r *http.Request, name string, fallback uint64) (uint64, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return 0, job.Failf(job.BadRequest, "reading the query: %w", err)
	}
	text := query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, job.Failf(job.BadRequest, "%s=%q: want a number", name, text)
	}
	return n, nil
}

// answer sends a value, or the report of an error.
func answer(w http.ResponseWriter, value any, err error) {
	status := http.StatusOK
	if err != nil {
		report := job.ReportOf(err)
		value, status = report, httpStatus(report)
	}
	text, err := json.Marshal(value)
	if err != nil {
		http.Error(w, fmt.Sprintf("no JSON form: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func httpStatus(r job.Report) int {
	switch {
	case r.Code == job.UnknownJob || r.Code == job.UnknownBay || r.Code == job.UnknownRecord:
		return http.StatusNotFound
	case r.Code == job.IDInUse || r.Code == job.TooLate:
		return http.StatusConflict
	case r.Class == job.Demand:
		return http.StatusBadRequest
	case r.Retryable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
