package cloudsync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"duogateway/job"
)

// office is a policy, a station and a store that note what they are asked.
type office struct {
	calls   []string
	told    *job.Job
	ruling  job.Ruling
	failing error
}

func (o *office) note(format string, args ...any) {
	o.calls = append(o.calls, fmt.Sprintf(format, args...))
}

func (o *office) Read(text []byte) (job.Request, string, error) {
	if string(text) == "bad" {
		return job.Request{}, "", job.Failf(job.BadRequest, "it is bad")
	}
	return job.Request{ID: string(text), Kind: job.Backup, Bay: "A"}, "", nil
}

func (o *office) AdmitRemote(r job.Request, refusal error) (job.Answer, *job.Job, error) {
	o.note("admit %s %s %s", r.ID, r.Kind, code(refusal))
	return job.Answer{To: job.AskedJob, ID: r.ID, Ruling: o.ruling}, o.told, o.failing
}

func (o *office) CancelRemote(id string) (job.Answer, error) {
	o.note("cancel %s", id)
	return job.Answer{To: job.AskedCancel, ID: id, Ruling: job.Accepted}, o.failing
}

func (o *office) Tell(a job.Answer) error {
	o.note("tell %s %s %s %.8s", a.To, a.ID, a.Ruling, a.RequestSHA256)
	return nil
}

func (o *office) Retell(id string, _ job.Stamp) error {
	o.note("retell %s", id)
	return nil
}

func code(err error) job.Code {
	if err == nil {
		return "-"
	}
	return job.ReportOf(err).Code
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:8]
}

func TestReception(t *testing.T) {
	known := &job.Job{Request: job.Request{ID: "x"}}
	request := func(r *Reception, text string, about Meta) error {
		return r.Request(context.Background(), []byte(text), about)
	}
	cancel := func(r *Reception, _ string, about Meta) error {
		return r.Cancel(context.Background(), "x", []byte("p"), about)
	}
	cases := []struct {
		what  string
		do    func(*Reception, string, Meta) error
		text  string
		about Meta
		told  *job.Job
		rules job.Ruling
		want  []string
	}{
		{"a new request", request, "x", Meta{}, known, job.Accepted, []string{"admit x backup -"}},
		{"a known one", request, "x", Meta{}, known, job.Known, []string{"admit x backup -", "retell x"}},
		{"one refused for good", request, "x", Meta{}, known, job.Refused, []string{"admit x backup -"}},
		{"one refused for now", request, "x", Meta{}, nil, job.Refused, []string{"admit x backup -", "tell request x rejected " + digest("x")}},
		{"one that cannot be read", request, "bad", Meta{}, nil, job.Refused, []string{"admit   bad-request", "tell request  rejected " + digest("bad")}},
		{"one that was kept", request, "x", Meta{Retained: true}, nil, job.Refused, []string{"admit x  retained", "tell request x rejected " + digest("x")}},
		{"one that is too long", request, "x", Meta{TooLong: true}, nil, job.Refused, []string{"admit   too-large", "tell request  rejected " + digest("x")}},
		{"a cancel", cancel, "", Meta{}, nil, "", []string{"cancel x", "tell cancel x accepted " + digest("p")}},
		{"a cancel that was kept", cancel, "", Meta{Retained: true}, nil, "", []string{"tell cancel x rejected " + digest("p")}},
	}
	for _, c := range cases {
		o := &office{told: c.told, ruling: c.rules}
		r := &Reception{Policy: o, Station: o, Answers: o, Log: slog.New(slog.DiscardHandler)}
		if err := c.do(r, c.text, c.about); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if !slices.Equal(o.calls, c.want) {
			t.Errorf("%s: %q, want %q", c.what, o.calls, c.want)
		}
		o = &office{told: c.told, failing: errors.New("the disk is gone")}
		r.Policy, r.Station, r.Answers = o, o, o
		if err := c.do(r, c.text, c.about); err == nil && len(o.calls) > 0 && o.calls[0][:4] != "tell" {
			t.Errorf("%s: nothing is stored and nobody says so", c.what)
		}
	}
}
