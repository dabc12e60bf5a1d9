// Package remote is a bench of virtual boards as a process of its own: it
// hands the daemon a USB bus and the lines of its bays over a unix socket, and
// tests the technician's hands.
//
// A Bench is also usable without a socket, in the process of a test, and a
// Client of it offers the same interface. When a client dies, the bench does
// what the kernel does: a USB handle is closed and an opened pin becomes an
// input at once. The package must not know the daemon or its DFU host.
package remote
