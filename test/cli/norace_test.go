//go:build !race

package cli_test

// buildFlags and buildEnv build the programs as the appliance's are built.
var (
	buildFlags []string
	buildEnv   = []string{"CGO_ENABLED=0"}
)
