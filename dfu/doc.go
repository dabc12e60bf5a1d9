// Package dfu is the host side of USB Device Firmware Upgrade 1.1a with the
// DfuSe extensions (ST UM0424): it opens a device over a [Transport], reads
// its descriptors and memory layout, and reads, writes and erases its
// memories.
//
// It holds the rules of the protocol, and of the bootloaders that bend it:
//
//   - A status of OK proves nothing: some bootloaders never report a failed
//     write or erase, but stall the GETSTATUS that ran it. A stalled GETSTATUS
//     is a failure here, and only reading back proves a write.
//   - CLRSTATUS is sent only after GETSTATUS reported dfuERROR, or a state
//     that DFU does not know: in any other state it causes an error.
//   - SET_ADDRESS is followed by ABORT before an UPLOAD.
//   - Block n lies at pointer + (n-2)*wTransferSize, whatever the length of
//     the transfer. Block 1 is never used.
//   - A GETSTATUS may block for as long as an erase takes, so no control
//     transfer is given less than [MinTimeout].
//   - The poll time that a device asks for is honoured up to a bound.
//
// A write or an erase outside the caller's limit or outside the device's
// layout is refused before a byte is sent.
//
// The package must not know which board it talks to, how its memories are
// used, or how a device is found on the bus.
package dfu
