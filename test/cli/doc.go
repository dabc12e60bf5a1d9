// Package cli tests the real programs from outside, as a person or a script
// would use them: gatewayd against a daemon on a virtual bench, each in a
// process of its own. Most tests are scripts in testdata; the commands that
// the scripts have beside the usual ones are in commands_test.go.
//
// It knows command lines, outputs, exit codes and files, and what the bench
// tells of its boards. It does not look into the programs.
package cli
