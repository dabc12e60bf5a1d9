// Package vm boots a real kernel under QEMU's software emulation: Debian's own,
// for amd64 or arm64, with the USB of vhci-hcd and the GPIO of gpio-sim. It is
// where the production code meets what no test double has: usbfs, libusb, cdc-acm,
// /dev/gpiochipN, an ext4 that loses its power.
//
// The scripts beside it make kernel and initramfs (./product). The package gives
// a guest its files, its script, its disk and its time limit. It knows nothing of
// what is tested: that is in the guest's script.
package vm
