package architecture

import (
	"go/parser"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// objections are all that an architecture has to say against the imports of
// the module at root.
func (a architecture) objections(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	for name, file := range goFiles(t, root, parser.ImportsOnly) {
		for _, spec := range file.Imports {
			pkg, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: reading an import: %v", name, err)
			}
			if objection := a.objection(name, pkg); objection != "" {
				found = append(found, objection)
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestImportsGoDownwards(t *testing.T) {
	for _, objection := range project.objections(t, root) {
		t.Error(objection)
	}
}

// house is an architecture of which every rule can be broken.
var house = architecture{
	module:   "house",
	floors:   [][]string{{"cellar"}, {"kitchen", "bath"}, {"attic"}},
	beside:   map[string][]string{"garden": {"cellar"}},
	inner:    []string{"kitchen/stove"},
	reserved: map[string][]string{"os/exec": {"attic"}, "house/garden": {"attic/window"}},
}

func TestRules(t *testing.T) {
	for _, test := range []struct {
		file, pkg string
		objection string // a part of it, or empty
	}{
		{"kitchen/a.go", "house/cellar", ""},
		{"kitchen/a.go", "house/cellar/shelf", ""},
		{"kitchen/a.go", "fmt", ""},
		{"cellar/a.go", "house/kitchen", "floor 0 may import only lower floors, kitchen is on floor 1"},
		{"kitchen/a.go", "house/bath", "bath is on floor 1"},
		{"kitchen/a_test.go", "house/attic", "attic is on floor 2"},
		{"kitchen/sink/a.go", "house/attic", "attic is on floor 2"},
		{"kitchen/a.go", "house/kitchenette", "kitchenette has no place"},
		{"shed/a.go", "fmt", "shed has no place"},

		{"kitchen/sink/a.go", "house/kitchen", ""},
		{"kitchen/a.go", "house/kitchen/sink", "only a sub-package imports its parent"},
		{"kitchen/sink/a.go", "house/kitchen/table", "only a sub-package imports its parent"},
		{"kitchen/a_test.go", "house/kitchen/sink", ""},
		{"kitchen/a.go", "house/kitchen/stove", ""},

		{"garden/a.go", "house/cellar", ""},
		{"garden/a.go", "house/kitchen", "garden may import only cellar"},
		{"garden/a_test.go", "house/kitchen", ""},
		{"attic/window/a.go", "house/garden", ""},
		{"attic/a.go", "house/garden", "only attic/window may"},
		{"attic/a.go", "house/garden/rose", "only attic/window may"},
		{"cellar/a_test.go", "house/garden/rose", ""},

		{"attic/a.go", "os/exec", ""},
		{"kitchen/a.go", "os/exec", "only attic may"},
		{"kitchen/a_test.go", "os/exec", ""},
	} {
		got := house.objection(test.file, test.pkg)
		if (got == "") != (test.objection == "") || !strings.Contains(got, test.objection) {
			t.Errorf("%s imports %s: objection %q, want %q", test.file, test.pkg, got, test.objection)
		}
	}
}

// An import that breaks the drawing is found in a tree on disk, also where a
// build tag hides it.
func TestPlantedImportIsReported(t *testing.T) {
	tree := t.TempDir()
	plant(t, tree, "cellar/a.go", "//go:build never\n\npackage cellar\n\nimport _ \"house/attic\"\n")
	plant(t, tree, "attic/a.go", "package attic\n\nimport _ \"house/cellar\"\n")
	plant(t, tree, "attic/testdata/a.go", "package data\n\nimport _ \"house/garden\"\n")
	plant(t, tree, "tools/go.mod", "module tools\n")
	plant(t, tree, "tools/a.go", "package tools\n\nimport _ \"house/garden\"\n")

	got := house.objections(t, tree)
	want := []string{"cellar/a.go: cellar must not import attic: floor 0 may import only lower floors, attic is on floor 2"}
	if !slices.Equal(got, want) {
		t.Errorf("objections:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func plant(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
