// Package hardware asks a real Duo what no virtual one can answer: how long it
// takes to come up, what a real host controller makes of a stalled status stage,
// whether the lines are wired as the configuration says. It uses a bay of a real
// configuration, with the daemon stopped, and the same parts as the daemon.
//
// The tests have the build tag "hardware"; `make test-hw` runs them. What would
// cost the board its program is done only with -erase-program.
package hardware
