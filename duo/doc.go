// Package duo says what a RedBear Duo is: its USB identity, its bootloader
// generations, the layout of its flash and of its device configuration table
// (DCT), its key formats, and the limits of every write to it.
//
// It reads and makes bytes. It must not know where they come from or go to:
// no files, no USB, no clock, no cloud, no jobs. Everything in it holds for
// arbitrary input: a dump of a broken board gives a diagnosis, never a panic.
//
// Words: a sector is one of the two 16384-byte flash sectors that hold a copy
// of the DCT; an engine is the vendor's code that decides which copy is the
// current one; the area is the application DCT, which starts 7548 bytes into
// a sector and is what DFU alternate setting 1 shows from offset 0; the block
// is the part of the area that a repair reads, patches and writes back.
package duo
