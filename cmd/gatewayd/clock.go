package main

import "golang.org/x/sys/unix"

// clockSynchronised says whether the kernel knows its wall clock to be right: a
// time service has set it since the start. A Raspberry Pi has no clock that
// runs without power.
func clockSynchronised() bool {
	var state unix.Timex // with no mode set it is only read
	_, err := unix.Adjtimex(&state)
	return err == nil && state.Status&unix.STA_UNSYNC == 0
}
