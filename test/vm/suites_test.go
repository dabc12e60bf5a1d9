package vm_test

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// A suite is a package with tests that have the build tag guest.
type suite struct {
	name, pkg string
	run       string // the names of those tests, where it has others too
}

var suites = []suite{
	{name: "guest", pkg: "duogateway/test/vm/guest"},
	{name: "chip", pkg: "duogateway/gpio/chip", run: "^TestGuest"},
}

// Every test that has the build tag guest is in one of the suites.
func TestSuitesAreAll(t *testing.T) {
	listed := make(map[string]bool)
	for _, suite := range suites {
		listed[suite.pkg] = true
	}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil || !bytes.HasPrefix(text, []byte("//go:build guest\n")) {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(name))
		if pkg := path.Join("duogateway", filepath.ToSlash(folder)); !listed[pkg] {
			t.Errorf("%s is in no suite: its tests run nowhere", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
