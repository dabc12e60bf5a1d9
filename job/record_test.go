package job_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"duogateway/job"
	"duogateway/secret"
)

// The ids in the stores that are out there must stay what they are.
func TestContentIDIsStable(t *testing.T) {
	for _, c := range []struct {
		device, raw, block, want string
	}{
		{"", "", "", "156b13cf19c3a543fc29a63449918740"},
		{"300000000000000000000001", "raw", "block", "213557e30add12f75e307715e028aba9"},
		{"300000000000000000000001", "", "block", "9fdc02dcfa2ae9690187601c74d38c7c"},
		{"", "raw", "", "c075827151b11db6441ccdf5376e01d5"},
	} {
		r := job.KeyRecord{Info: job.RecordInfo{DeviceID: c.device}, Raw: secret.Of([]byte(c.raw)), Block: secret.Of([]byte(c.block))}
		if got := r.ContentID(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// The id tells what a record holds and of which board, and nothing else.
func TestContentID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) job.KeyRecord {
			return job.KeyRecord{
				Info: job.RecordInfo{
					ID: rapid.String().Draw(t, name+" id"), Job: rapid.String().Draw(t, name+" job"),
					DeviceID: rapid.StringMatching(`[0-9a-f]{0,2}`).Draw(t, name+" device"),
				},
				Raw:   secret.Of(rapid.SliceOfN(rapid.ByteRange('0', '2'), 0, 3).Draw(t, name+" raw")),
				Block: secret.Of(rapid.SliceOfN(rapid.ByteRange('0', '2'), 0, 3).Draw(t, name+" block")),
			}
		}
		a, b := draw("a"), draw("b")
		same := a.Info.DeviceID == b.Info.DeviceID && bytes.Equal(a.Raw.Reveal(), b.Raw.Reveal()) && bytes.Equal(a.Block.Reveal(), b.Block.Reveal())
		if (a.ContentID() == b.ContentID()) != same {
			t.Fatalf("ids %s and %s, the same is %v", a.ContentID(), b.ContentID(), same)
		}
		if !job.ValidName(a.ContentID()) {
			t.Fatalf("%q is no name", a.ContentID())
		}
	})
}

func TestSound(t *testing.T) {
	for fingerprint, want := range map[string]bool{"": false, "ab": true} {
		if got := (job.RecordInfo{Fingerprint: fingerprint}).Sound(); got != want {
			t.Errorf("fingerprint %q: sound is %v", fingerprint, got)
		}
	}
}

// P4: a record that is printed, logged or encoded by mistake shows nothing.
func TestKeyRecordShowsNothing(t *testing.T) {
	r := job.KeyRecord{Raw: secret.Of([]byte("hush-raw")), Block: secret.Of([]byte("hush-block"))}
	text, err := json.Marshal(job.Entry{Records: []job.KeyRecord{r}})
	if err != nil {
		t.Fatal(err)
	}
	shows := []string{string(text)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		shows = append(shows, fmt.Sprintf(verb, r), fmt.Sprintf(verb, &r), fmt.Sprintf(verb, job.Outcome{Records: []job.KeyRecord{r}}))
	}
	for _, shown := range shows {
		for _, look := range []string{"hush", "68757368", "aHVza", "104 117", "0x68"} {
			if strings.Contains(shown, look) {
				t.Errorf("it shows %q: %s", look, shown)
			}
		}
	}
}
