package job_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"duogateway/job"
)

func TestReadRequest(t *testing.T) {
	text := `{"not_after":"2026-03-01T12:00:00+01:00", "id":"a-1","kind":"factory-dct","bay":"left","source":"button",
		"operator":"jane","ticket":{"n":12345678901234567890,"<>":[1, null]},"extra":{"old":true},
		"options":{"forget":["keys"],"device_id":"30"}}`
	r, err := job.ReadRequest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	until := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	if r.ID != "a-1" || r.Kind != job.FactoryDCT || r.Bay != "left" || r.Source != job.FromMQTT || !r.NotAfter.Equal(until) ||
		!reflect.DeepEqual(r.Options, job.Options{Forget: []string{"keys"}, DeviceID: "30"}) {
		t.Errorf("%+v", r)
	}
	kept := map[string]string{"operator": `"jane"`, "ticket": `{"n":12345678901234567890,"<>":[1, null]}`, "old": "true"}
	for name, want := range kept {
		if string(r.Extra[name]) != want {
			t.Errorf("%s is %s, want %s", name, r.Extra[name], want)
		}
	}
	if len(r.Extra) != len(kept) {
		t.Errorf("kept %v", r.Extra)
	}
}

// Each text that is refused differs in one thing from one that is taken.
func TestReadRequestRefuses(t *testing.T) {
	const good = `{"id":"a","kind":"backup","bay":"b","x":1,"options":{"raw":true}}`
	for name, c := range map[string]struct{ old, new string }{
		"nothing wrong":           {"", ""},
		"no id":                   {`"id":"a",`, ``},
		"null for an id":          {`"a"`, `null`},
		"number for an id":        {`"a"`, `7`},
		"no name for an id":       {`"a"`, `"a/b"`},
		"id of a topic":           {`"a"`, `"request"`},
		"id of a folder":          {`"a"`, `".."`},
		"no kind":                 {`"kind":"backup",`, ``},
		"no name for a kind":      {`"backup"`, `"back up"`},
		"kind in capitals":        {`"kind"`, `"Kind"`},
		"no bay":                  {`"bay":"b",`, ``},
		"no name for a bay":       {`"b"`, `""`},
		"id twice":                {`"id":"a"`, `"id":"a","id":"a"`},
		"unknown twice":           {`"x":1`, `"x":1,"x":1`},
		"twice inside an unknown": {`"x":1`, `"x":[{"y":1,"y":2}]`},
		"option twice":            {`"raw":true`, `"raw":true,"raw":false`},
		"unknown option":          {`"raw"`, `"rw"`},
		"option in capitals":      {`"raw"`, `"Raw"`},
		"option with a long s":    {`"raw":true`, `"\u017ferver_key":""`},
		"null for an option":      {`true`, `null`},
		"option inside an image":  {`"raw":true`, `"images":[{"sha256":"ab","x":1}]`},
		"option beside":           {`"x"`, `"raw"`},
		"null for the options":    {`{"raw":true}`, `null`},
		"list for the options":    {`{"raw":true}`, `[]`},
		"no time":                 {`"x":1`, `"not_after":"tomorrow"`},
		"number for a time":       {`"x":1`, `"not_after":1772366400`},
		"null for a time":         {`"x":1`, `"not_after":null`},
		"extra and beside":        {`"x":1`, `"x":1,"extra":{"x":2}`},
		"list for extra":          {`"x":1`, `"extra":[]`},
		"too much extra":          {`"x":1`, `"x":"` + strings.Repeat("x", job.LargestExtra) + `"`},
		"nested too deep":         {`"x":1`, `"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)},
		"something behind":        {`true}}`, `true}}{}`},
		"cut short":               {`true}}`, `true}`},
		"no object":               {good, `["a"]`},
		"null":                    {good, `null`},
		"nothing":                 {good, ``},
		"no UTF-8":                {`"x":1`, `"x":"` + "\xff" + `"`},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		r, err := job.ReadRequest([]byte(text))
		if name == "nothing wrong" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if !job.HasCode(err, job.BadRequest) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if r.ID != "" && r.ID != "a" {
			t.Errorf("%s: the id is %q", name, r.ID)
		}
	}
	if _, err := job.ReadRequest(make([]byte, job.LargestRequest+1)); !job.HasCode(err, job.TooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// Whoever sent a request that is no good is told so under its id. The rest of it
// must not be taken for what was asked.
func TestReadRequestKeepsTheID(t *testing.T) {
	r, err := job.ReadRequest([]byte(`{"options":{"rw":1},"bay":"b","id":"a","kind":"backup"}`))
	if err == nil || !reflect.DeepEqual(r, job.Request{ID: "a", Source: job.FromMQTT}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// What was read is the same request in every form in which it goes on, and any
// change of it is another. // P3
func TestDigest(t *testing.T) {
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		zone := time.FixedZone("", 3600*rapid.IntRange(-12, 12).Draw(t, "zone"))
		return time.Unix(rapid.Int64Range(0, 2).Draw(t, "second"), 0).In(zone)
	})
	drawn := rapid.Custom(func(t *rapid.T) job.Request {
		r := job.Request{ID: "a", Kind: job.Restore, Bay: "b", Source: job.FromMQTT, Options: options.Draw(t, "options")}
		if rapid.Bool().Draw(t, "until") {
			until := moment.Draw(t, "not after")
			r.NotAfter = &until
		}
		if value := rapid.SampledFrom([]string{"", `"<"`, ` [1,  2]`}).Draw(t, "extra"); value != "" {
			r.Extra = map[string]json.RawMessage{"x": json.RawMessage(value)}
		}
		return r
	})
	rapid.Check(t, func(t *rapid.T) {
		one, two := drawn.Draw(t, "one"), drawn.Draw(t, "two")
		text, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		var journalled job.Request
		if err := json.Unmarshal(text, &journalled); err != nil {
			t.Fatal(err)
		}
		if again, err := job.ReadRequest(text); err != nil || !again.Same(one) || !journalled.Same(one) || !(job.Job{Request: journalled}).IsOf(again) {
			t.Fatalf("%s is read as %+v, %v", text, again, err)
		}
		other, err := json.Marshal(two)
		if err != nil {
			t.Fatal(err)
		}
		sameTime := (one.NotAfter == nil) == (two.NotAfter == nil) && (one.NotAfter == nil || one.NotAfter.Equal(*two.NotAfter))
		one.NotAfter, two.NotAfter = nil, nil
		mine, _ := json.Marshal(one)
		theirs, _ := json.Marshal(two)
		first, _ := job.ReadRequest(text)
		second, _ := job.ReadRequest(other)
		if want := sameTime && string(mine) == string(theirs); first.Same(second) != want {
			t.Fatalf("%s and %s: same is %v", text, other, !want)
		}
	})
}

// A refused request is remembered by its digest, without what a wrong option may
// hold. // P3, P4
func TestRefuse(t *testing.T) {
	r, err := job.ReadRequest([]byte(`{"id":"a","kind":"server-key","bay":"b","note":"x","options":{"server_key":"secret"}}`))
	if err != nil {
		t.Fatal(err)
	}
	j := job.Refuse(r, job.Failf(job.NotAllowed, "%s", strings.Repeat("é", 1000)), at(1))
	text, err := json.Marshal(j)
	if err != nil || strings.Contains(string(text), "secret") || !strings.Contains(string(text), `"note":"x"`) {
		t.Errorf("%s, %v", text, err)
	}
	if j.State != job.Rejected || j.Verdict != job.Denied || j.Fault.Code != job.NotAllowed || j.Version != 1 || len(j.Fault.Message) > 1000 {
		t.Errorf("%+v", j)
	}
	if !j.IsOf(r) {
		t.Error("it is not of its own request")
	}
	r.Options.ServerKey = "another"
	if j.IsOf(r) {
		t.Error("it is of another request")
	}
}

// What is refused is refused with an error, and what is taken can be journalled
// and is read back the same.
func FuzzReadRequest(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","kind":"repair","bay":"b","not_after":"2026-03-01T12:00:00Z"}`,
		`{"id":"a","kind":"flash","bay":"b","options":{"images":[{"sha256":"ab","place":"wifi"}],"raw":true,"forget":[]}}`,
		`{"id":"a","kind":"server-key","bay":"b","x":{"y":[1e400,null,"\ud800"]},"extra":{"z":0},"options":{"server_port":1,"server_host":"h"}}`,
		`{"id":"a","id":"b"}`, `[]`, `{"id":"a","options":{"Raw":true}}`, "\xff", `{"id":"a"`,
		`{"id":"a","kind":"repair","bay":"b","not_after":"9999-12-31T23:59:59-23:59"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := job.ReadRequest(text)
		if err != nil {
			if !job.HasCode(err, job.BadRequest) && !job.HasCode(err, job.TooLarge) {
				t.Errorf("%v has no code for a sender", err)
			}
			return
		}
		form, err := json.Marshal(r)
		if err != nil {
			t.Fatalf("what was taken cannot be journalled: %v", err)
		}
		again, err := job.ReadRequest(form)
		if err != nil || !again.Same(r) || again.ID != r.ID {
			t.Errorf("%s is read back as %+v, %v", form, again, err)
		}
	})
}
