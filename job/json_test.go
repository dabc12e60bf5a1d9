package job_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"duogateway/job"
)

var update = flag.Bool("update", false, "write the golden files anew")

func at(minute int) job.Stamp {
	return job.Stamp{At: time.Date(2026, 3, 1, 12, minute, 0, 500, time.UTC), Trusted: minute%2 == 0, Boot: "4f3c"}
}

// forms are values with all that they can hold, and with as little as they can.
func forms() map[string]any {
	started, ended, until := at(1), at(5), at(9).At
	digest := strings.Repeat("ab", 32)
	fault := job.ReportOf(job.Failf(job.WriteNotVerified, "reading back: byte 34 differs"))
	fault.Hint = "Try again." // its words may change
	request := job.Request{
		ID: "job-1", Kind: job.Restore, Bay: "bay-1", Source: job.FromCommand,
		Options: job.Options{
			Record: "0011", DeviceID: "300000000000000000000001", ServerKey: "MIIB", ServerHost: "h", ServerPort: 5683, Raw: true,
			Forget: []string{job.ForgetKeys}, Images: []job.Image{{SHA256: "ab", Place: job.Factory}, {SHA256: "cd"}},
		},
		NotAfter: &until, Extra: map[string]json.RawMessage{"operator": json.RawMessage(`"jane"`)},
	}
	rejected := job.Refuse(request, job.Failf(job.NotAllowed, "a restore is not taken unsigned"), at(2))
	rejected.Fault.Hint, rejected.Digest = fault.Hint, digest // for what is asked may change too
	last := rejected.InShort()
	return map[string]any{
		"request":       &request,
		"request-short": &job.Request{Kind: job.Diagnose, Bay: "bay-1", Source: job.FromButton},
		"job": &job.Job{
			Request: request, State: job.Failed, Version: 12, Verdict: job.Error, Proof: job.Unproven, Fault: &fault, Presence: 3,
			DeviceID: "300000000000000000000001", Step: "read-back", Wrote: true, Resumes: 2,
			Steps: []job.StepOutcome{{Name: "identify", Started: at(1), Ended: at(2), Detail: "r6"}, {Name: "write", Started: at(2), Ended: at(3), Detail: "no", Failed: true}},
			Result: job.Result{
				Diagnosis: json.RawMessage(`{"private_key":"erased"}`), Backup: "aa", Record: "bb",
				RecordedFingerprint: "cc", BoardFingerprint: "dd",
			},
			Admitted: at(0), Started: &started, Ended: &ended,
		},
		"job-short": &job.Job{
			Request: job.Request{ID: "job-2", Kind: job.Backup, Bay: "bay-1", Source: job.FromButton},
			State:   job.Queued, Version: 1, Steps: []job.StepOutcome{}, Admitted: at(0),
		},
		"event":        &job.Event{Number: 7, At: at(1), What: job.StepDone, Job: "job-1", Bay: "bay-1", Step: "identify", Detail: "r6"},
		"event-short":  &job.Event{Number: 1, At: at(0), What: job.RecordStored},
		"audit":        &job.AuditNote{At: at(1), Job: "job-1", Who: "operator", What: "device id", Detail: "stated"},
		"record":       &job.RecordInfo{ID: "aa", DeviceID: "300000000000000000000001", KeyState: "valid", Fingerprint: "cc", Bootloader: 6, Job: "job-1", Bay: "bay-1", Presence: 3, Stored: at(1), OfferedAt: &started, ProvenAt: &ended},
		"record-short": &job.RecordInfo{ID: "aa", KeyState: "erased", Stored: at(0)},
		"fault":        &fault,

		"job-rejected": &rejected,
		"event-gap":    &job.Event{Number: 60, At: at(1), What: job.EventsDropped, Gap: job.Gap{From: 12, To: 48, Count: 31}},
		"answer":       &job.Answer{To: job.AskedJob, ID: "job-1", RequestSHA256: digest, Ruling: job.Refused, Fault: &fault, At: at(1)},
		"answer-short": &job.Answer{To: job.AskedCancel, Ruling: job.Accepted, At: at(0)},
		"state":        &job.StationState{State: job.Online, Session: 3, Boot: "4f3c", Since: &started, Trouble: "twice"},
		"state-short":  &job.StationState{State: job.Offline, Session: 3, Boot: "4f3c"},
		"info": &job.StationInfo{
			Station: "bench", Version: "1", Schemas: job.SchemaVersion, Bays: []job.BayInfo{{Name: "bay-1", Type: "duo"}},
			Kinds: []job.KindInfo{{Kind: job.Backup, Remote: true, Unsigned: true}}, Limits: job.Limits{RequestBytes: 65536, ExtraBytes: 4096}, At: at(1),
		},
		"bay": &job.BayState{
			Bay: "bay-1", Occupied: true, Device: "Duo", DeviceID: "300000000000000000000001", Presence: 3, Running: "job-2", Waiting: 1,
			Trouble: "two", Last: &last, At: at(1),
		},
		"bay-short": &job.BayState{Bay: "bay-1", At: at(0)},
	}
}

// The JSON forms are what scripts and brokers read: the golden files change
// only with a reason. What is written is read back the same.
func TestJSON(t *testing.T) {
	for name, value := range forms() {
		t.Run(name, func(t *testing.T) {
			text, err := json.MarshalIndent(value, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, '\n')
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(text, golden) {
				t.Errorf("the form is\n%swant\n%s", text, golden)
			}
			again := reflect.New(reflect.TypeOf(value).Elem())
			if err := json.Unmarshal(golden, again.Interface()); err != nil {
				t.Fatal(err)
			}
			compact(t, value)
			compact(t, again.Interface())
			if !reflect.DeepEqual(again.Interface(), value) {
				t.Errorf("read back it is\n%+v, want\n%+v", again.Elem(), value)
			}
		})
	}
}

// compact takes the spaces of the golden file out of the diagnosis.
func compact(t *testing.T, value any) {
	t.Helper()
	j, ok := value.(*job.Job)
	if !ok || j.Result.Diagnosis == nil {
		return
	}
	var text bytes.Buffer
	if err := json.Compact(&text, j.Result.Diagnosis); err != nil {
		t.Fatal(err)
	}
	j.Result.Diagnosis = text.Bytes()
}
