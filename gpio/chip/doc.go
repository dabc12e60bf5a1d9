// Package chip drives the lines of the Linux GPIO chips: pins for gestures and
// lights ([OpenPin]), contacts for buttons ([OpenInput]), and the test whether
// the kernel lets go of a line whose program has ended ([SelfTest]).
//
// It is the only package that knows the driver, gpioioctl of periph.io/x/host,
// and what must not be done with it. It must not know what the lines are wired
// to, nor gestures and patterns: package gpio does.
//
// The driver finds the chips once a process: a chip that appears later is not
// found, so a unit that uses this package starts after its chip exists.
package chip
