//go:build race

package cli_test

// buildFlags and buildEnv build the programs as the tests are built.
var (
	buildFlags = []string{"-race"}
	buildEnv   []string
)
