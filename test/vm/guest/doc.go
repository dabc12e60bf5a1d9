// Package guest holds the tests that run inside a guest of package vm, as root,
// on its kernel: the production code on real USB and real GPIO lines. Its files
// have the build tag guest; TestGuest of package vm builds them, carries them
// there and shows their results.
//
// A guest has gatewayd, virtualbench, dfu-util and strace in its path, a GPIO
// chip with the label of a Raspberry Pi's, and nothing else that runs. What the
// tests leave in /share is on the host afterwards. They know nothing of QEMU.
package guest
