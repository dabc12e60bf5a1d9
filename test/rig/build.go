package rig

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var build struct {
	once   sync.Once
	folder string
	err    error
	said   []byte
}

// Binaries builds the commands, once for a test binary, into folder, and
// returns their folder. Call it first in TestMain with a folder that outlives
// the tests.
func Binaries(folder string) (string, error) {
	build.once.Do(func() {
		build.folder = folder
		cmd := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "duogateway/cmd/...")
		build.said, build.err = cmd.CombinedOutput()
	})
	return build.folder, build.err
}

// Binary is the path of a built command.
func Binary(t *testing.T, name string) string {
	t.Helper()
	if build.folder == "" || build.err != nil {
		t.Fatalf("the commands are not built: %v\n%s", build.err, build.said)
	}
	return filepath.Join(build.folder, name)
}
