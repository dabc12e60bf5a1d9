// Package virtualduo is a RedBear Duo without hardware: line levels go in,
// light comes out, and in between are its flash, its bootloader with the DFU
// engine, and as much of its system firmware as a repair station can observe.
//
// It is the second, independent opinion about the board. It is written from
// the board's own sources and must not know how the station talks to boards:
// it never uses the station's DCT engine, key reader or DFU host.
//
// Time is package time, so a board runs at full speed inside a
// testing/synctest bubble. A Board may be used by several goroutines.
package virtualduo
