package schemas_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"duogateway/job/schemas"
)

var update = flag.Bool("update", false, "write the copies of the schemas anew")

// copies is the folder that the manual links to.
const copies = "../../docs/schemas"

// Whoever reads the manual finds the schemas that the program holds.
func TestCopies(t *testing.T) {
	for _, name := range schemas.Names() {
		path := filepath.Join(copies, name+".json")
		if *update {
			if err := os.WriteFile(path, lookup(t, name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, lookup(t, name)) {
			t.Errorf("%s is not the schema %s (%v); run: go test ./job/schemas -run TestCopies -update", path, name, err)
		}
	}
	if found, err := filepath.Glob(filepath.Join(copies, "*")); err != nil || len(found) != len(schemas.Names()) {
		t.Errorf("%v, %v: want copies of %v", found, err, schemas.Names())
	}
}

func TestLookup(t *testing.T) {
	want := []string{"answer", "bay", "cancel", "common", "event", "info", "job", "request", "state"}
	if got := schemas.Names(); !slices.Equal(got, want) {
		t.Errorf("the schemas are %v, want %v", got, want)
	}
	if _, err := schemas.Lookup("none"); err == nil {
		t.Error("there is a schema of no name")
	}
	for _, name := range schemas.Names() {
		head := struct {
			Schema string `json:"$schema"`
			ID     string `json:"$id"`
		}{}
		if err := json.Unmarshal(lookup(t, name), &head); err != nil || head.ID != schemas.Base+name+".json" || !strings.Contains(head.Schema, "2020-12") {
			t.Errorf("%s: %+v, %v", name, head, err)
		}
	}
}

func lookup(t testing.TB, name string) []byte {
	t.Helper()
	text, err := schemas.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// judge compiles schemas. One that is strict refuses members that no schema
// speaks of: readers must bear them, but we must not write them.
type judge struct{ compiled map[string]*jsonschema.Schema }

func newJudge(t testing.TB, strict bool) judge {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, name := range schemas.Names() {
		text := parse(t, lookup(t, name))
		if strict {
			closeObjects(text)
		}
		if err := compiler.AddResource(schemas.Base+name+".json", text); err != nil {
			t.Fatal(err)
		}
	}
	j := judge{map[string]*jsonschema.Schema{}}
	for _, name := range schemas.Names() {
		schema, err := compiler.Compile(schemas.Base + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		j.compiled[name] = schema
	}
	return j
}

func parse(t testing.TB, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// closeObjects forbids the members that a schema does not list.
func closeObjects(schema any) {
	switch node := schema.(type) {
	case map[string]any:
		if _, lists := node["properties"].(map[string]any); lists && node["type"] == "object" {
			node["additionalProperties"] = false
		}
		for _, inner := range node {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range node {
			closeObjects(inner)
		}
	}
}

// objection is what a schema has against a text; nil for nothing.
func (j judge) objection(t testing.TB, name string, text []byte) error {
	t.Helper()
	return j.compiled[name].Validate(parse(t, text))
}
