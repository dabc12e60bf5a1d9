package job_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"duogateway/job"
)

func TestCheck(t *testing.T) {
	good := job.Request{ID: "id", Kind: job.Restore, Bay: "bay"}
	for name, c := range map[string]struct {
		change func(*job.Request)
		want   job.Code
	}{
		"restore":             {func(*job.Request) {}, ""},
		"restore of a record": {func(r *job.Request) { r.Options.Record = "0123" }, ""},
		"device id":           {func(r *job.Request) { r.Options.DeviceID = "anything" }, ""}, // judged by who knows boards
		"from anywhere":       {func(r *job.Request) { r.Source = "elsewhere" }, ""},
		"no id":               {func(r *job.Request) { r.ID = "" }, job.BadRequest},
		"bad id":              {func(r *job.Request) { r.ID = "a/b" }, job.BadRequest},
		"long id":             {func(r *job.Request) { r.ID = strings.Repeat("a", 65) }, job.BadRequest},
		"id of a topic":       {func(r *job.Request) { r.ID = "request" }, job.BadRequest},
		"id of a folder":      {func(r *job.Request) { r.ID = ".." }, job.BadRequest},
		"no kind":             {func(r *job.Request) { r.Kind = "" }, job.UnknownKind},
		"unknown kind":        {func(r *job.Request) { r.Kind = "explode" }, job.UnknownKind},
		"kind in capitals":    {func(r *job.Request) { r.Kind = "Restore" }, job.UnknownKind},
		"no bay":              {func(r *job.Request) { r.Bay = "" }, job.UnknownBay},
		"bad bay":             {func(r *job.Request) { r.Bay = "bay 1" }, job.UnknownBay},
		"record for a repair": {func(r *job.Request) { r.Kind, r.Options.Record = job.Repair, "0123" }, job.BadRequest},
		"record for a backup": {func(r *job.Request) { r.Kind, r.Options.Record = job.Backup, "0123" }, job.BadRequest},

		"server":           {func(r *job.Request) { r.Kind, r.Options.ServerHost = job.ServerKey, "h" }, ""},
		"server elsewhere": {func(r *job.Request) { r.Options.ServerHost = "h" }, job.BadRequest},
		"key elsewhere":    {func(r *job.Request) { r.Options.ServerKey = "k" }, job.BadRequest},
		"port elsewhere":   {func(r *job.Request) { r.Options.ServerPort = 1 }, job.BadRequest},
		"forget": {func(r *job.Request) {
			r.Kind, r.Options.Forget = job.FactoryDCT, []string{"keys", "wifi", "claim", "modules"}
		}, ""},
		"forget what":      {func(r *job.Request) { r.Kind, r.Options.Forget = job.FactoryDCT, []string{"keys", "me"} }, job.BadRequest},
		"forget elsewhere": {func(r *job.Request) { r.Options.Forget = []string{"keys"} }, job.BadRequest},
		"flash": {func(r *job.Request) {
			r.Kind, r.Options.Images = job.Flash, []job.Image{{SHA256: "ab"}, {Place: job.WiFi}}
		}, ""},
		"flash of nothing": {func(r *job.Request) { r.Kind = job.Flash }, job.BadRequest},
		"flash where":      {func(r *job.Request) { r.Kind, r.Options.Images = job.Flash, []job.Image{{Place: "here"}} }, job.BadRequest},
		"some extra":       {func(r *job.Request) { r.Extra = map[string]json.RawMessage{"x": []byte("1")} }, ""},
		"extra, no JSON":   {func(r *job.Request) { r.Extra = map[string]json.RawMessage{"x": []byte("{")} }, job.BadRequest},
		"too much extra": {func(r *job.Request) {
			r.Extra = map[string]json.RawMessage{"x": []byte(strings.Repeat("1", job.LargestExtra))}
		}, job.BadRequest},
		"flash elsewhere": {func(r *job.Request) { r.Options.Images = []job.Image{{}} }, job.BadRequest},
	} {
		r := good
		c.change(&r)
		err := r.Check()
		if (err == nil) != (c.want == "") || (err != nil && !job.HasCode(err, c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Every kind that is defined is known.
func TestKinds(t *testing.T) {
	defined := constants(t, "Kind")
	if kinds := job.Kinds(); len(kinds) != len(defined) {
		t.Errorf("%d kinds are listed, %d defined", len(kinds), len(defined))
	}
	for name, kind := range defined {
		if !job.Kind(kind).Known() {
			t.Errorf("%s is not known", name)
		}
	}
}

var options = rapid.Custom(func(t *rapid.T) job.Options {
	return job.Options{
		Record: rapid.SampledFrom([]string{"", "r", "s"}).Draw(t, "record"), DeviceID: rapid.SampledFrom([]string{"", "d"}).Draw(t, "device"),
		ServerPort: rapid.Uint16Range(0, 1).Draw(t, "port"), Raw: rapid.Bool().Draw(t, "raw"),
		Forget: rapid.SliceOfN(rapid.SampledFrom([]string{"keys", "wifi"}), 0, 2).Draw(t, "forget"),
		Images: rapid.SliceOfN(rapid.Just(job.Image{SHA256: "ab"}), 0, 2).Draw(t, "images"),
	}
})

// A request that comes again is the same as what the journal made of it, and
// one with other options is not. // P3
func TestSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := job.Request{ID: "a", Kind: job.Restore, Bay: "b", Source: job.FromCommand, Options: options.Draw(t, "options")}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var journalled job.Request
		if err := json.Unmarshal(text, &journalled); err != nil {
			t.Fatal(err)
		}
		journalled.Source = job.FromButton // who asks does not matter
		if !journalled.Same(r) || !r.Same(journalled) {
			t.Fatalf("%s is not the same as itself", text)
		}
		other := journalled
		other.Options = options.Draw(t, "other options")
		otherText, err := json.Marshal(other.Options)
		if err != nil {
			t.Fatal(err)
		}
		mine, _ := json.Marshal(r.Options)
		if want := string(mine) == string(otherText); r.Same(other) != want {
			t.Fatalf("%s and %s: same is %v", mine, otherText, !want)
		}
		for _, change := range []func(*job.Request){
			func(r *job.Request) { r.Kind = job.Repair }, func(r *job.Request) { r.Bay = "c" },
		} {
			other := journalled
			change(&other)
			if r.Same(other) {
				t.Fatalf("%+v and %+v are the same", r, other)
			}
		}
	})
}
