// Package recipe holds the scenarios of the job kinds: a whole station, a
// virtual board in some state, a job, and what the board says afterwards. It
// knows the kinds by what they promise, not by how they are built.
package recipe
