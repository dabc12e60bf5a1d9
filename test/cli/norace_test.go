//go:build !race

package cli_test

// buildFlags and buildEnv build the programs as the appliance's are built: with
// cgo, for libusb.
var (
	buildFlags []string
	buildEnv   []string
)
