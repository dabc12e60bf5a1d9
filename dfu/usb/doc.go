// Package usb finds devices on the USB buses of this computer and opens them
// for package dfu, by libusb.
//
// It holds what libusb, its Go binding and the kernel ask of a program:
//
//   - A context of libusb learns of changes on the bus from udev, or not at
//     all. Every look and every open device has a context of its own.
//   - A device is chosen by its bus, its path of ports and its address, never
//     by being the first of its kind.
//   - Closing a device during a transfer is a crash. One goroutine owns a
//     device, makes all its transfers, and closes it.
//   - A transfer cannot be called back. When its context ends the caller goes
//     on at once, and the owner waits for the end of the transfer.
//   - The serial number comes from the kernel, which read it when the device
//     came: looking sends nothing to a board that may be busy.
//
// The package needs cgo and libusb 1.0. It must not know the protocol spoken
// over the transfers, nor which board it talks to.
package usb
