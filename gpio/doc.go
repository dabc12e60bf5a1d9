// Package gpio puts a board into DFU mode by its two lines, RESET and SETUP,
// and lets the lines go again by one rule, whatever dies or stalls meanwhile.
//
// The gesture runs in a child process of its own ([RunChild]); the daemon
// starts it and watches it ([Runner]). Both, and whoever comes after a crash,
// share a marker ([Marker]) that says when RESET rose, and one rule ([Release])
// that says how SETUP may be let go by then: held too long, SETUP makes the
// bootloader wipe the customer's program.
//
// Beside the gestures it holds what a technician touches and sees: a button
// without its bouncing ([Button], [Buttons]) and the lights ([Lights]), whose
// patterns are one table ([Displays]).
//
// The package must not know what a board is used for, nor USB, jobs or
// stations, nor any driver: pins come in through [OpenPin].
package gpio
