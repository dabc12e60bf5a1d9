package schemas_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duogateway/job"
)

var (
	anyName = rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Filter(job.ValidID)
	anyText = rapid.StringN(0, 9, 40)
	anyTime = rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "second"), rapid.Int64Range(0, 999999999).Draw(t, "nano")).UTC()
	})
	anyStamp = rapid.Custom(func(t *rapid.T) job.Stamp {
		return job.Stamp{At: anyTime.Draw(t, "at"), Trusted: rapid.Bool().Draw(t, "trusted"), Boot: anyText.Draw(t, "boot")}
	})
	anyFault = rapid.Custom(func(t *rapid.T) *job.Report {
		fault := rapid.SampledFrom(job.Faults()).Draw(t, "fault")
		return rapid.SampledFrom([]*job.Report{nil, {Fault: fault, Message: anyText.Draw(t, "message")}}).Draw(t, "report")
	})
)

func oneOf[T any](t *rapid.T, name string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, name)
}

var anyOptions = rapid.Custom(func(t *rapid.T) job.Options {
	image := rapid.Custom(func(t *rapid.T) job.Image {
		return job.Image{SHA256: anyText.Draw(t, "sha256"), Place: oneOf(t, "place", "", job.Factory, job.WiFi)}
	})
	return job.Options{
		Record: anyText.Draw(t, "record"), DeviceID: anyText.Draw(t, "device id"), ServerHost: anyText.Draw(t, "host"),
		ServerPort: rapid.Uint16().Draw(t, "port"), Raw: rapid.Bool().Draw(t, "raw"),
		Forget: rapid.SliceOfN(rapid.SampledFrom([]string{job.ForgetKeys, job.ForgetWiFi, job.ForgetClaim, job.ForgetModules}), 0, 3).Draw(t, "forget"),
		Images: rapid.SliceOfN(image, 0, 2).Draw(t, "images"),
	}
})

// anyJob is a job at any moment of its life.
var anyJob = rapid.Custom(func(t *rapid.T) job.Job {
	at := anyStamp.Draw(t, "at")
	until := anyTime.Draw(t, "until")
	r := job.Request{
		ID: anyName.Draw(t, "id"), Kind: oneOf(t, "kind", job.Kinds()...), Bay: anyName.Draw(t, "bay"),
		Source: oneOf(t, "source", job.FromCommand, job.FromButton, job.FromMQTT), Options: anyOptions.Draw(t, "options"),
		NotAfter: oneOf(t, "not after", nil, &until),
		Extra:    oneOf(t, "extra", nil, map[string]json.RawMessage{"x": json.RawMessage(`[null]`)}),
	}
	fault := anyFault.Draw(t, "fault")
	if fault != nil && rapid.Bool().Draw(t, "refused") {
		return job.Refuse(r, job.Failf(fault.Code, "%s", fault.Message), at)
	}
	step := rapid.Custom(func(t *rapid.T) job.StepOutcome {
		return job.StepOutcome{Name: anyText.Draw(t, "step"), Started: at, Ended: at, Detail: anyText.Draw(t, "detail"), Failed: rapid.Bool().Draw(t, "failed")}
	})
	j := job.Job{
		Request: r, State: oneOf(t, "state", job.Queued, job.Running), Version: rapid.Uint64Range(1, 1<<50).Draw(t, "version"),
		Presence: rapid.Uint64Range(0, 9).Draw(t, "presence"), DeviceID: anyText.Draw(t, "id of the board"), Step: anyText.Draw(t, "runs"),
		Wrote: rapid.Bool().Draw(t, "wrote"), Resumes: rapid.IntRange(0, 5).Draw(t, "resumes"),
		Steps: rapid.SliceOfN(step, 0, 3).Draw(t, "steps"), Result: job.Result{Backup: anyText.Draw(t, "backup")}, Admitted: at,
	}
	if rapid.Bool().Draw(t, "started") {
		j.Started = &at
	}
	switch oneOf(t, "over", "", "ended", "stopped") {
	case "ended":
		j.End(oneOf(t, "verdict", job.Pass, job.Fail, job.Error, job.Denied), oneOf(t, "proof", job.NotConfigured, job.Awaited, job.Unproven, job.Proven), fault, at)
	case "stopped":
		j.Stop(oneOf(t, "stop", job.Canceled, job.TimedOut), at)
	}
	return j
})

// Whatever the program has to say is what the schemas say, and nothing beside it.
func TestValues(t *testing.T) {
	strict := newJudge(t, true)
	rapid.Check(t, func(rt *rapid.T) {
		at, j := anyStamp.Draw(rt, "at"), anyJob.Draw(rt, "job")
		short := j.InShort()
		for name, value := range map[string]any{
			"job": j,
			"event": job.Event{
				Number: rapid.Uint64Range(1, 1<<50).Draw(rt, "number"), At: at, What: oneOf(rt, "what", job.JobAdmitted, job.StepDone, job.EventsDropped),
				Job: j.ID, Bay: j.Bay, Step: j.Step, Detail: anyText.Draw(rt, "detail"),
				Gap: oneOf(rt, "gap", job.Gap{}, job.Gap{From: 1, To: 9, Count: 3}),
			},
			"answer": job.Answer{To: oneOf(rt, "to", job.AskedJob, job.AskedCancel), ID: j.ID, Ruling: oneOf(rt, "ruling", job.Accepted, job.Known, job.Refused), Fault: j.Fault, At: at},
			"bay":    job.BayState{Bay: j.Bay, Occupied: j.Wrote, Device: j.Step, Running: j.ID, Waiting: j.Resumes, Last: oneOf(rt, "last", nil, &short), At: at},
			"state":  job.StationState{State: oneOf(rt, "link", job.Online, job.Offline), Session: 1, Boot: at.Boot, Since: oneOf(rt, "since", nil, &at)},
		} {
			text, err := json.Marshal(value)
			if err != nil {
				rt.Fatal(err)
			}
			if err := strict.objection(t, name, text); err != nil {
				rt.Fatalf("%s: %s: %v", name, text, err)
			}
		}
	})
}

// wrongs are what may stand in a request instead of what should.
var wrongs = []any{nil, "", "a/b", "request", 7, true, []any{}, map[string]any{}, "2026-03-01", "2026-03-01T12:00:00Z", "2026-03-01 12:00:00Z", "2026-13-01T12:00:00+01:00"}

// A station takes a request exactly when the schema does. What no schema can
// say are the sizes, and which option goes with which kind.
func TestRequests(t *testing.T) {
	open := newJudge(t, false)
	taken, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		request := map[string]any{"id": anyName.Draw(rt, "id"), "kind": "flash", "bay": anyName.Draw(rt, "bay"), "not_after": "2026-03-01T12:00:00+01:00"}
		options := map[string]any{"raw": true, "server_port": 5683, "forget": []any{"keys"}, "images": []any{map[string]any{"sha256": "ab", "place": "wifi"}}}
		if rapid.Bool().Draw(rt, "with options") {
			request["options"] = options
		}
		names := []string{"id", "kind", "bay", "not_after", "options", "source", "extra", "raw", "Raw", "operator", "device_id"}
		for range rapid.IntRange(0, 2).Draw(rt, "changes") {
			in, name := request, oneOf(rt, "member", names...)
			if rapid.Bool().Draw(rt, "in the options") {
				in, name = options, oneOf(rt, "option", append(slices.Sorted(maps.Keys(options)), names...)...)
			}
			if in[name] = oneOf(rt, "wrong", wrongs...); rapid.Bool().Draw(rt, "missing") {
				delete(in, name)
			}
		}
		text, err := json.Marshal(request)
		if err != nil {
			rt.Fatal(err)
		}
		r, err := job.ReadRequest(text)
		mine := err == nil && r.NotAfter != nil && r.Kind.Known()
		if objection := open.objection(t, "request", text); (objection == nil) != mine {
			rt.Fatalf("%s: the schema says %v, the station %v", text, objection, fmt.Sprint(err))
		}
		if mine {
			taken++
		} else {
			refused++
		}
	})
	if taken == 0 || refused == 0 {
		t.Errorf("%d were taken, %d refused", taken, refused)
	}
}

// The request schema lists the kinds that there are.
func TestKindsInTheSchema(t *testing.T) {
	open := newJudge(t, false)
	for _, kind := range append(job.Kinds(), "save-key") {
		text := fmt.Sprintf(`{"id":"a","kind":%q,"bay":"b","not_after":"2026-03-01T12:00:00Z"}`, kind)
		if err := open.objection(t, "request", []byte(text)); (err == nil) != kind.Known() {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A cancel says little, and nothing wrong.
func TestCancel(t *testing.T) {
	open := newJudge(t, false)
	for text, good := range map[string]bool{`{}`: true, `{"id":"a","reason":"x","by":1}`: true, `{"id":"a/b"}`: false, `{"reason":1}`: false, `[]`: false, `"a"`: false} {
		if err := open.objection(t, "cancel", []byte(text)); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}
