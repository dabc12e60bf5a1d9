package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"duogateway/test/rig"
)

// root is the root of the module, seen from the folder of this package.
const root = "../.."

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "duogateway-bin-")
	if err == nil {
		_, err = rig.Binaries(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building the commands:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder for what may be lost
	return m.Run()
}

// pages lists the pages of the manual, as paths from the root.
func pages(t *testing.T) []string {
	t.Helper()
	names := slices.Concat(list(t, "*.md"), list(t, "docs/*.md"))
	if len(names) < 2 {
		t.Fatalf("there are only these pages: %v", names)
	}
	return names
}

// list returns the files that match, as paths from the root with slashes.
func list(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range found {
		relative, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		found[i] = filepath.ToSlash(relative)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// gatewayd runs the built program and returns what it prints and its error.
func gatewayd(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	for _, source := range list(t, "cmd/gatewayd/*.go") {
		read(t, source) // so that go test sees it when the program changes
	}
	var out, complaints bytes.Buffer
	cmd := exec.Command(rig.Binary(t, "gatewayd"), args...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaints.Bytes()))
	}
	return out.String(), err
}
