// Package serial reaches the firmware that runs on a board through the serial
// port (CDC-ACM) that it shows on USB: it asks for DFU mode by a baud rate, and
// reads what a board in listening mode tells of itself. A board is named by its
// USB port path; which tty that is, sysfs tells.
//
// A serial port belongs to the customer's program unless the board is in
// listening mode, and nothing on USB tells in which of both a board is. So
// [Ports.EnterDFU] types nothing, and [Ports.Ask] is for whoever has seen the
// blue light. The package must not know jobs, bays, DFU or lines.
package serial
