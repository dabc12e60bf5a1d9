package schemas_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forms are the golden files of package job that there are schemas for, under
// the names of those: values with all that they can hold, and with as little as
// they can, which are the short ones.
func forms(t *testing.T, short bool) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, path := range paths {
		form := strings.TrimSuffix(filepath.Base(path), ".json")
		name, how, _ := strings.Cut(form, "-")
		if (how == "short") != short || !slices.Contains([]string{"answer", "bay", "event", "info", "job", "state"}, name) {
			continue
		}
		if found[form], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 5 {
		t.Fatalf("there are only the forms %v", slices.Sorted(maps.Keys(found)))
	}
	return found
}

func schemaOf(form string) string {
	name, _, _ := strings.Cut(form, "-")
	return name
}

// What the program writes is what the schemas say, and nothing beside it.
func TestForms(t *testing.T) {
	strict := newJudge(t, true)
	for _, short := range []bool{true, false} {
		for form, text := range forms(t, short) {
			if err := strict.objection(t, schemaOf(form), text); err != nil {
				t.Errorf("%s: %v", form, err)
			}
		}
	}
}

// Readers bear members that come in later versions, but for options that no
// station knows.
func TestUnknownMembers(t *testing.T) {
	open := newJudge(t, false)
	for form, text := range forms(t, false) {
		root := parse(t, text)
		root.(map[string]any)["later"] = true
		eachValue(root, "", func(place string, _ func(any), value any) {
			object, ok := value.(map[string]any)
			if !ok {
				return
			}
			object["later"] = true
			inOptions := strings.HasPrefix(place, ".options")
			if err := open.compiled[schemaOf(form)].Validate(root); (err == nil) == inOptions {
				t.Errorf("%s: a new member at %s: %v", form, place, err)
			}
			delete(object, "later")
		})
	}
}

// A value of the wrong type is refused wherever it stands, but for where
// anything may.
func TestWrongTypes(t *testing.T) {
	open := newJudge(t, false)
	wrong := 0
	for form, text := range forms(t, false) {
		root := parse(t, text)
		eachValue(root, "", func(place string, set func(any), value any) {
			if strings.Contains(place, ".extra.") || strings.Contains(place, ".diagnosis.") {
				return
			}
			set(map[string]any{"wrong": true})
			switch value.(type) {
			case map[string]any, []any:
				set(json.Number("7"))
			}
			if open.compiled[schemaOf(form)].Validate(root) == nil {
				t.Errorf("%s: anything may stand at %s", form, place)
			}
			set(value)
			wrong++
		})
	}
	if wrong < 100 {
		t.Errorf("only %d values were tried", wrong)
	}
}

// A short form holds nothing that may be left out.
func TestMissingMembers(t *testing.T) {
	open := newJudge(t, false)
	for form, text := range forms(t, true) {
		root := parse(t, text).(map[string]any)
		for name, value := range root {
			delete(root, name)
			if open.compiled[schemaOf(form)].Validate(root) == nil {
				t.Errorf("%s: it may be without %s", form, name)
			}
			root[name] = value
		}
	}
}

// eachValue visits all values below one, each with a way to exchange it.
func eachValue(node any, place string, visit func(place string, set func(any), value any)) {
	switch node := node.(type) {
	case map[string]any:
		for name, value := range maps.Clone(node) {
			here := place + "." + name
			visit(here, func(v any) { node[name] = v }, value)
			eachValue(value, here, visit)
		}
	case []any:
		for i, value := range node {
			visit(place+"[]", func(v any) { node[i] = v }, value)
			eachValue(value, place+"[]", visit)
		}
	}
}
