package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               setUp,
		Cmds:                commands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// setUp gives a script its place. In configurations, and only in them, $WORK is
// the folder of the script.
func setUp(env *testscript.Env) error {
	folder := env.WorkDir
	env.Setenv("PATH", binaries+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("GATEWAYD_SOCKET", filepath.Join(folder, "gatewayd.sock"))
	theFile := filepath.Join(folder, "gatewayd.toml")
	if _, err := os.Stat(theFile); os.IsNotExist(err) {
		if err := os.WriteFile(theFile, []byte(theConfig), 0o600); err != nil {
			return err
		}
	}
	configs, err := filepath.Glob(filepath.Join(folder, "*.toml"))
	if err != nil {
		return err
	}
	for _, name := range configs {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text = []byte(os.Expand(string(text), func(string) string { return folder }))
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return err
		}
	}
	p := &place{folder: folder, env: env.Vars}
	env.Values[placeKey{}] = p
	env.Defer(func() {
		err := p.end()
		if err == nil {
			err = p.findSecrets()
		}
		if err != nil {
			env.T().Fatal(fmt.Sprintf("at the end of the script: %v", err))
		}
	})
	return nil
}

// placeKey finds the place of a script.
type placeKey struct{}
