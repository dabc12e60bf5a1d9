//go:build race

package cli_test

// buildFlags build the programs as the tests are built.
var buildFlags = []string{"-race"}
