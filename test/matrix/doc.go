// Package matrix tries every kind of job against every fault, on a board of
// every bootloader generation, and checks in each cell what must hold in all of
// them: no key is lost, the verdict is true, and the job ends.
//
// It knows the kinds by what they promise and the faults by how they are made.
// What a cell ends with is in a table of the manual, not in the code: only what
// must never happen is.
package matrix
