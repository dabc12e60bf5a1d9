// Package dfutest holds what tests of DFU devices share: the conformance
// [Suite] that every transport and every board must pass, a [Recorder] that
// checks the rules a host must keep, a [Script] that answers as told, and
// [Plain], a small device in memory.
//
// It must not know a particular board: what may be written comes from the
// [Fixture].
package dfutest
