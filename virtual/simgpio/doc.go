// Package simgpio connects the lines of a virtual board to the pins of a
// simulated GPIO chip, gpio-sim of the Linux kernel: what a daemon does to
// /dev/gpiochipN arrives at the board. When the pins and the board are on two
// machines, the levels go over a connection.
//
// It knows wirings and levels; it must not know what a gesture is.
package simgpio
