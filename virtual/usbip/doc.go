// Package usbip puts virtual boards on the USB bus of a Linux kernel, by the
// USB/IP protocol, version 1.1.1 (Linux Documentation/usb/usbip_protocol.rst).
//
// A Plug is a board at a bus id. An Attacher hands it to the virtual host
// controller of this kernel (vhci-hcd), whenever the board is on the bus. A
// Server offers boards over TCP, and an Importer is the other end of that: it
// gives a kernel the boards of a server elsewhere.
//
// The package carries transfers and knows nothing of what is in them: all
// descriptors are the board's own. It must not know how a station uses them.
package usbip
